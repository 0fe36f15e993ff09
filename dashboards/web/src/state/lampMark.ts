import type { LampState } from "../api/types";
import type { LampKind } from "../theme/lampColour";

/** What has to be known to draw a lamp: its kind and its level in %. */
export interface LampMark {
  kind: LampKind;
  level: number;
}

/** A lit lamp that measured no level is drawn at its target. */
export function markOf(lamp: LampState): LampMark {
  if (lamp.state === "off") return { kind: "off", level: 0 };
  const level = lamp.actualLightState ?? (lamp.state === "lit" ? (lamp.targetLightCommand ?? 100) : 0);
  return { kind: lamp.state, level };
}

export const sameMark = (a: LampMark | undefined, b: LampMark) => a?.kind === b.kind && a.level === b.level;
