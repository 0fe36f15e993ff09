import type { LampState } from "../api/types";
import { markColour, markOf } from "../map/lampPaint";
import { usePlace } from "../state/place";

/** The lamp as the map draws it: disc when sound, diamond when faulty, ring when unknown. */
export function LampMarkIcon({ lamp, size = 14 }: { lamp: LampState; size?: number }) {
  const { theme } = usePlace();
  const mark = markOf(lamp);
  const colour = markColour(mark, theme);
  return (
    <svg viewBox="0 0 16 16" width={size} height={size} aria-hidden="true">
      {mark.kind === "fault" && <path d="M8 1 15 8 8 15 1 8Z" fill={colour} />}
      {mark.kind === "unknown" && (
        <circle cx="8" cy="8" r="5.5" fill="none" stroke={colour} strokeWidth="2" />
      )}
      {mark.kind === "lit" && (
        <>
          <circle cx="8" cy="8" r="8" fill={colour} opacity="0.3" />
          <circle cx="8" cy="8" r="5" fill={colour} />
        </>
      )}
      {mark.kind === "off" && <circle cx="8" cy="8" r="5" fill={colour} />}
    </svg>
  );
}
