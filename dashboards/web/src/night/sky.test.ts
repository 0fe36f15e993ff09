import { describe, expect, it } from "vitest";
import type { Night } from "../api/types";
import { mix } from "../theme/mix";
import { altitudeAt, altitudeKnots, skyColour, skyStops, themeAt } from "./sky";

const night: Night = {
  start: "2025-11-24T05:00:00Z",
  end: "2025-11-25T05:00:00Z",
  sunset: "2025-11-24T10:50:00Z",
  civilDusk: "2025-11-24T11:12:00Z",
  civilDawn: "2025-11-24T22:02:00Z",
  sunrise: "2025-11-24T22:24:00Z",
  planned: [],
  actual: [],
};

const at = (time: string) => altitudeAt(altitudeKnots(night), Date.parse(time));

describe("altitudeAt", () => {
  it("meets the horizon at sunset and sunrise and -6 degrees at civil dusk and dawn", () => {
    expect(at("2025-11-24T10:50:00Z")).toBeCloseTo(-0.83);
    expect(at("2025-11-24T11:12:00Z")).toBeCloseTo(-6);
    expect(at("2025-11-24T22:02:00Z")).toBeCloseTo(-6);
    expect(at("2025-11-24T22:24:00Z")).toBeCloseTo(-0.83);
  });

  it("only sinks until midnight and only rises after", () => {
    const knots = altitudeKnots(night);
    const times = knots.map(([time]) => time);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(at("2025-11-24T16:40:00Z")).toBeLessThanOrEqual(-17.9);
  });

  it("is flat where the sun neither sets nor rises", () => {
    const polar = { ...night, sunset: null, sunrise: null, civilDusk: null, civilDawn: null };
    expect(altitudeAt(altitudeKnots(polar), Date.parse("2025-11-24T12:00:00Z"))).toBeGreaterThan(0);
    const dark = { ...polar, planned: [{ time: night.start, level: 100 }] };
    expect(altitudeAt(altitudeKnots(dark), Date.parse("2025-11-24T12:00:00Z"))).toBeLessThan(0);
  });
});

describe("skyColour", () => {
  it("mixes between its colours without a jump", () => {
    expect(mix("#000000", "#ffffff", 0.5)).toBe("#808080");
    for (const theme of ["dark", "light"] as const) {
      for (let altitude = 20; altitude > -20; altitude -= 0.25) {
        const from = Number.parseInt(skyColour(altitude, theme).slice(1, 3), 16);
        const to = Number.parseInt(skyColour(altitude - 0.25, theme).slice(1, 3), 16);
        expect(Math.abs(from - to)).toBeLessThan(16);
      }
    }
  });

  it("stays at its ends beyond them", () => {
    expect(skyColour(90, "dark")).toBe(skyColour(60, "dark"));
    expect(skyColour(-60, "dark")).toBe(skyColour(-18, "dark"));
  });

  it("fills the strip from end to end", () => {
    const stops = skyStops(night, "dark", 10);
    expect(stops.map((stop) => stop.offset)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
  });
});

describe("themeAt", () => {
  it("follows the sun", () => {
    expect(themeAt(night, Date.parse("2025-11-24T06:00:00Z"))).toBe("light");
    expect(themeAt(night, Date.parse("2025-11-24T11:00:00Z"))).toBe("dark");
    expect(themeAt(night, Date.parse("2025-11-24T23:00:00Z"))).toBe("light");
    expect(themeAt(undefined, 0)).toBeNull();
  });
});
