const NO_VALUE = "–";

const digitsOf: Record<string, number> = {
  V: 0,
  A: 2,
  W: 1,
  "%": 0,
  "°C": 0,
  kWh: 1,
  h: 0,
  "": 2,
};

/** A whole number with the language's thousands mark. */
export function count(value: number, language: string): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 0 }).format(value);
}

/** A measured value with its unit, with as many digits as the sensor is worth. */
export function quantity(value: number | null | undefined, unit: string, language: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NO_VALUE;
  const digits = Number.isInteger(value) && unit === "" ? 0 : (digitsOf[unit] ?? 1);
  const number = new Intl.NumberFormat(language, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
  return unit ? `${number}\u00a0${unit}` : number;
}

export const level = (value: number | null | undefined, language: string) => quantity(value, "%", language);

/** Network power: kW with one digit below 100, none above; W below 1 kW. */
export function power(kilowatts: number | null | undefined, language: string): string {
  if (kilowatts === null || kilowatts === undefined) return NO_VALUE;
  if (Math.abs(kilowatts) < 1 && kilowatts !== 0)
    return quantity(Math.round(kilowatts * 1000), "W", language).replace(/[.,]0/, "");
  const digits = Math.abs(kilowatts) < 100 ? 1 : 0;
  const number = new Intl.NumberFormat(language, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(kilowatts);
  return `${number}\u00a0kW`;
}
