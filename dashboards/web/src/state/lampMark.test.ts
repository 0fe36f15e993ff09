import { describe, expect, it } from "vitest";
import { lampState } from "../testing/lamps";
import { markOf, sameMark } from "./lampMark";

describe("markOf", () => {
  it("takes the measured level of a lit lamp, its target where none was measured", () => {
    expect(markOf(lampState({ actualLightState: 48 }))).toEqual({ kind: "lit", level: 48 });
    expect(markOf(lampState({ actualLightState: null, targetLightCommand: 60 }))).toEqual({
      kind: "lit",
      level: 60,
    });
    expect(markOf(lampState({ state: "off", actualLightState: 0 }))).toEqual({ kind: "off", level: 0 });
  });

  it("never calls an unknown lamp dark or lit", () => {
    expect(markOf(lampState({ state: "unknown", actualLightState: null })).kind).toBe("unknown");
  });
});

describe("sameMark", () => {
  it("is what spares the map a redraw", () => {
    expect(sameMark({ kind: "lit", level: 50 }, { kind: "lit", level: 50 })).toBe(true);
    expect(sameMark({ kind: "lit", level: 50 }, { kind: "lit", level: 49 })).toBe(false);
    expect(sameMark({ kind: "off", level: 0 }, { kind: "unknown", level: 0 })).toBe(false);
    expect(sameMark(undefined, { kind: "off", level: 0 })).toBe(false);
  });
});
