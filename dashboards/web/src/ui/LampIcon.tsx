import { type LampKind, lampColour } from "../theme/lampColour";
import { useTheme } from "../theme/theme";

interface LampIconProps {
  kind: LampKind;
  /** In %; only a lit lamp shows it. */
  level?: number;
  size?: number;
}

/** A lamp as the map draws it: a disc, a diamond for a fault, a ring for an unknown state. */
export function LampIcon({ kind, level = 100, size = 14 }: LampIconProps) {
  const colour = lampColour(kind, level, useTheme());
  return (
    <svg viewBox="0 0 16 16" width={size} height={size} aria-hidden="true" data-kind={kind}>
      {kind === "fault" && <path d="M8 1 15 8 8 15 1 8Z" fill={colour} />}
      {kind === "unknown" && <circle cx="8" cy="8" r="5.5" fill="none" stroke={colour} strokeWidth="2" />}
      {kind === "lit" && <circle cx="8" cy="8" r="8" fill={colour} opacity="0.3" />}
      {(kind === "lit" || kind === "off") && <circle cx="8" cy="8" r="5" fill={colour} />}
    </svg>
  );
}
