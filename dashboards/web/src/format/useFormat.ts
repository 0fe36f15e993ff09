import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { count, level, power, quantity } from "./numbers";
import { ageOf, clockTime, clockTimeSeconds, dayLabel, spanOf } from "./time";
import { useTimeZone } from "./timeZone";

type Instant = string | number;

const ms = (instant: Instant) => (typeof instant === "number" ? instant : Date.parse(instant));

/** Numbers and times in the user's language and the lamps' time zone. */
export function useFormat() {
  const { t, i18n } = useTranslation();
  const timeZone = useTimeZone();
  const language = i18n.language;
  return useMemo(
    () => ({
      count: (value: number) => count(value, language),
      level: (value: number | null | undefined) => level(value, language),
      power: (kilowatts: number | null | undefined) => power(kilowatts, language),
      quantity: (value: number | null | undefined, unit: string) => quantity(value, unit, language),
      time: (instant: Instant) => clockTime(ms(instant), timeZone),
      timeSeconds: (instant: Instant) => clockTimeSeconds(ms(instant), timeZone),
      day: (instant: Instant) => dayLabel(ms(instant), timeZone, language),
      age: (instant: Instant, nowMs: number) => {
        const age = ageOf(ms(instant), nowMs);
        return t(`age.${age.unit}`, { count: age.count });
      },
      span: (spanMs: number) => {
        const { unit, ...parts } = spanOf(spanMs);
        return t(`span.${unit}`, parts);
      },
    }),
    [t, language, timeZone],
  );
}
