import { createExpression, type StylePropertySpecification } from "@maplibre/maplibre-gl-style-spec";
import { describe, expect, it } from "vitest";
import { lampState } from "../testing/lamps";
import { COLOURS } from "../theme/colours";
import {
  areaLabelFeatures,
  areaOutlines,
  boundsOf,
  faultFeatures,
  lampFeatures,
  outlineFeatures,
} from "./features";
import { convexHull, paddedHull, topMiddle } from "./hull";
import { lampExpressions } from "./lampPaint";

function evaluate(expression: unknown, state: Record<string, unknown>): unknown {
  const spec = { type: "number", "property-type": "data-driven" } as unknown as StylePropertySpecification;
  const parsed = createExpression(expression, { ...spec, type: undefined } as never);
  if (parsed.result === "error") throw new Error(JSON.stringify(parsed.value));
  return parsed.value.evaluate({ zoom: 15 }, { type: 1, properties: {} } as never, state as never);
}

describe("lamp expressions", () => {
  const now = lampExpressions(COLOURS.dark, null);
  const planned = lampExpressions(COLOURS.dark, 50);
  const dark = lampExpressions(COLOURS.dark, 0);

  it("draw no disc for a fault, which has its diamond", () => {
    expect(evaluate(now.size, { kind: "fault", level: 100 })).toBe(0);
    expect(evaluate(planned.size, { kind: "fault", level: 100 })).toBe(0);
  });

  it("glow more at a higher level and not at all when off", () => {
    const glow = (level: number) => evaluate(now.glow, { kind: "lit", level }) as number;
    expect(glow(100)).toBeGreaterThan(glow(50));
    expect(evaluate(now.glow, { kind: "off", level: 0 })).toBe(0);
  });

  it("show the planned level of another moment", () => {
    expect(evaluate(planned.glow, { kind: "off", level: 0 })).toBeGreaterThan(0);
    expect(evaluate(dark.glow, { kind: "lit", level: 100 })).toBe(0);
  });
});

describe("features", () => {
  const lamps = [
    lampState({ id: "A", longitude: 107.5, latitude: -7.0 }),
    lampState({ id: "B", longitude: 107.6, latitude: -7.1, state: "fault", actualLightState: 0 }),
    lampState({ id: "C", longitude: 107.55, latitude: -7.2, areaId: "other", state: "fault" }),
  ];

  it("hold what the map paints by", () => {
    const [first] = lampFeatures(lamps, (id) => id.charCodeAt(0)).features;
    expect(first).toMatchObject({ id: 65, properties: { id: "A", kind: "lit", level: 100 } });
  });

  it("give a dark fault another icon than a lit one", () => {
    expect(faultFeatures(lamps).features.map((feature) => feature.properties?.icon)).toEqual([
      "fault-dark",
      "fault-lit",
    ]);
  });

  it("outline and name every area that has lamps", () => {
    const outlines = areaOutlines(lamps);
    expect(outlineFeatures(outlines).features).toHaveLength(2);
    const labels = areaLabelFeatures(outlines, (areaId) => ({ name: `Kecamatan ${areaId}`, counts: "1" }));
    expect(labels.features.map((feature) => feature.properties)).toEqual([
      { name: "Kecamatan 32.04.37", counts: "1" },
      { name: "Kecamatan other", counts: "1" },
    ]);
  });

  it("bound all lamps, an area, and nothing", () => {
    expect(boundsOf(lamps, null)).toEqual([107.5, -7.2, 107.6, -7.0]);
    expect(boundsOf(lamps, "other")).toEqual([107.55, -7.2, 107.55, -7.2]);
    expect(boundsOf(lamps, "none")).toBeNull();
  });
});

describe("hull", () => {
  it("leaves out what lies inside", () => {
    const hull = convexHull([
      [0, 0],
      [2, 0],
      [1, 1],
      [2, 2],
      [0, 2],
    ]);
    expect(hull).toHaveLength(4);
    expect(hull).not.toContainEqual([1, 1]);
  });

  it("has its name in the middle of its northern edge", () => {
    const slope: [number, number][] = [
      [0, 0],
      [4, 0],
      [4, 4],
      [0, 2],
      [0, 0],
    ];
    expect(topMiddle(slope)).toEqual([2, 3]);
  });

  it("makes a closed ring even around a single lamp", () => {
    const ring = paddedHull([[107.5, -7]], 100);
    expect(ring.length).toBeGreaterThan(8);
    expect(ring[0]).toEqual(ring[ring.length - 1]);
    expect(paddedHull([], 100)).toEqual([]);
  });
});
