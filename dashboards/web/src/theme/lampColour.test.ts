import { describe, expect, it } from "vitest";
import { COLOURS } from "./colours";
import { lampColour, litColour } from "./lampColour";
import { alpha, mix } from "./mix";

const light = (hex: string) =>
  [1, 3, 5].reduce((sum, at) => sum + Number.parseInt(hex.slice(at, at + 2), 16), 0);

describe("lamp colours", () => {
  it("are brighter when the lamp is brighter, in both themes", () => {
    for (const theme of ["dark", "light"] as const) {
      const steps = [0, 25, 50, 75, 100].map((level) => light(litColour(level, theme)));
      expect(steps).toEqual([...steps].sort((a, b) => a - b));
      expect(new Set(steps).size).toBe(5);
    }
  });

  it("do not go beyond their ends", () => {
    expect(litColour(140, "dark")).toBe(COLOURS.dark.bright);
    expect(litColour(-3, "dark")).toBe(COLOURS.dark.ember);
  });
});

describe("lampColour", () => {
  it("takes the level of a lit lamp alone", () => {
    expect(lampColour("lit", 40, "dark")).toBe(litColour(40, "dark"));
    for (const kind of ["off", "fault", "unknown"] as const) {
      expect(lampColour(kind, 40, "light")).toBe(COLOURS.light[kind]);
    }
  });
});

describe("mix and alpha", () => {
  it("meet both ends", () => {
    expect(mix("#102030", "#405060", 0)).toBe("#102030");
    expect(mix("#102030", "#405060", 1)).toBe("#405060");
  });

  it("write CSS with an opacity in per cent", () => {
    expect(alpha("#101a2d", 0.88)).toBe("rgb(16 26 45 / 88%)");
  });
});
