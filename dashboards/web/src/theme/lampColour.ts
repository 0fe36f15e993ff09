import { COLOURS } from "./colours";
import { mix } from "./mix";
import type { Theme } from "./theme";

/** How a lamp is drawn; a fault and an unknown lamp differ from the others by shape as well as by colour. */
export type LampKind = "off" | "lit" | "fault" | "unknown";

/** Warm amber, brighter for a higher level in %: from ember over amber to bright. */
export function litColour(level: number, theme: Theme): string {
  const { ember, lit, bright } = COLOURS[theme];
  const share = Math.min(Math.max(level, 0), 100) / 100;
  return share < 0.5 ? mix(ember, lit, share * 2) : mix(lit, bright, share * 2 - 1);
}

export function lampColour(kind: LampKind, level: number, theme: Theme): string {
  return kind === "lit" ? litColour(level, theme) : COLOURS[theme][kind];
}
