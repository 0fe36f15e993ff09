import { describe, expect, it } from "vitest";
import { count, level, power, quantity } from "./numbers";
import { ageOf, clockTime, spanOf } from "./time";

const plain = (text: string) => text.replaceAll("\u00a0", " ");

describe("numbers carry units", () => {
  it.each([
    [228.4, "V", "id", "228 V"],
    [0.412, "A", "id", "0,41 A"],
    [88.24, "W", "en", "88.2 W"],
    [0.963, "", "en", "0.96"],
    [1731, "", "id", "1.731"],
    [1834.71, "kWh", "id", "1.834,7 kWh"],
    [46, "°C", "en", "46 °C"],
  ])("%d %s in %s", (value, unit, language, expected) => {
    expect(plain(quantity(value, unit, language))).toBe(expected);
  });

  it("has a sign for no value, which is not zero", () => {
    expect(quantity(null, "V", "id")).toBe("–");
    expect(quantity(Number.NaN, "V", "id")).toBe("–");
    expect(plain(quantity(0, "V", "id"))).toBe("0 V");
  });

  it("speaks the language's marks", () => {
    expect(count(22700, "id")).toBe("22.700");
    expect(count(22700, "en")).toBe("22,700");
    expect(plain(level(50, "id"))).toBe("50 %");
  });

  it.each([
    [316.2, "316 kW"],
    [31.62, "31.6 kW"],
    [0.42, "420 W"],
    [0, "0.0 kW"],
    [null, "–"],
  ])("power %s", (kilowatts, expected) => {
    expect(plain(power(kilowatts, "en"))).toBe(expected);
  });
});

describe("ages", () => {
  it.each([
    [0, "now", 0],
    [12_000, "seconds", 12],
    [99_000, "seconds", 99],
    [100_000, "minutes", 1],
    [90 * 60_000, "minutes", 90],
    [26 * 3_600_000, "hours", 26],
    [72 * 3_600_000, "days", 3],
    [-5_000, "now", 0],
  ])("%d ms", (elapsed, unit, amount) => {
    expect(ageOf(1_000_000_000_000, 1_000_000_000_000 + elapsed)).toEqual({ unit, count: amount });
  });

  it("spans hours and minutes", () => {
    expect(spanOf(2.5 * 3_600_000)).toMatchObject({ unit: "hours", hours: 2, minutes: 30 });
    expect(spanOf(90_000)).toMatchObject({ unit: "seconds", count: 90 });
    expect(spanOf(-1)).toMatchObject({ unit: "seconds", count: 0 });
  });
});

it("gives the time of the lamps' zone, not of the browser's", () => {
  const instant = Date.parse("2025-11-24T10:50:00Z");
  expect(clockTime(instant, "Asia/Jakarta")).toBe("17:50");
  expect(clockTime(instant, "Europe/Amsterdam")).toBe("11:50");
});
