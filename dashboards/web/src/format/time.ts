export type AgeUnit = "now" | "seconds" | "minutes" | "hours" | "days";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, in the one unit a person would use. The future counts as now. */
export function ageOf(timeMs: number, nowMs: number): { unit: AgeUnit; count: number } {
  const elapsed = Math.max(0, nowMs - timeMs);
  if (elapsed < 2 * SECOND) return { unit: "now", count: 0 };
  if (elapsed < 100 * SECOND) return { unit: "seconds", count: Math.floor(elapsed / SECOND) };
  if (elapsed < 100 * MINUTE) return { unit: "minutes", count: Math.floor(elapsed / MINUTE) };
  if (elapsed < 48 * HOUR) return { unit: "hours", count: Math.floor(elapsed / HOUR) };
  return { unit: "days", count: Math.floor(elapsed / DAY) };
}

/** A remaining time: seconds below two minutes, minutes below an hour and a half, then hours and minutes. */
export function spanOf(ms: number): {
  unit: "seconds" | "minutes" | "hours";
  hours: number;
  minutes: number;
  count: number;
} {
  const left = Math.max(0, ms);
  const hours = Math.floor(left / HOUR);
  const minutes = Math.floor((left % HOUR) / MINUTE);
  if (left < 2 * MINUTE) return { unit: "seconds", hours, minutes, count: Math.floor(left / SECOND) };
  if (left < 1.5 * HOUR) return { unit: "minutes", hours, minutes, count: Math.floor(left / MINUTE) };
  return { unit: "hours", hours, minutes, count: hours };
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(key: string, locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const id = `${key}|${locale}|${options.timeZone}`;
  let known = formats.get(id);
  if (!known) {
    known = new Intl.DateTimeFormat(locale, options);
    formats.set(id, known);
  }
  return known;
}

/** `18:05` in the place's own zone, whatever the reader's zone is. Same in both languages. */
export function clockTime(timeMs: number, timeZone: string): string {
  return format("hm", "en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone }).format(
    timeMs,
  );
}

export function clockTimeSeconds(timeMs: number, timeZone: string): string {
  const options = {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZone,
  } as const;
  return format("hms", "en-GB", options).format(timeMs);
}

export function dayLabel(timeMs: number, timeZone: string, language: string): string {
  return format("day", language, { weekday: "short", day: "numeric", month: "short", timeZone }).format(
    timeMs,
  );
}
