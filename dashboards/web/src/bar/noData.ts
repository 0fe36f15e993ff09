import type { TFunction } from "i18next";
import type { DomainClock } from "../state/clock";

const DAY_MS = 86_400_000;

/** The notice that no readings come in, and since when; null while they do. */
export function noDataText(
  data: DomainClock["data"],
  nowMs: number,
  t: TFunction,
  format: { time: (ms: number) => string; day: (ms: number) => string },
): string | null {
  if (data.flowing) return null;
  if (data.untilMs === null) return t("bar.noDataYet");
  const time = format.time(data.untilMs);
  return t("bar.noData", {
    time: nowMs - data.untilMs < DAY_MS ? time : `${format.day(data.untilMs)} ${time}`,
  });
}
