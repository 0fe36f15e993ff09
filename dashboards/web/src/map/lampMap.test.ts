import type { LayerSpecification, Map as MapLibreMap, MapMouseEvent } from "maplibre-gl";
import { describe, expect, it, vi } from "vitest";
import { LampStore } from "../state/lampStore";
import { lampState } from "../testing/lamps";
import { COLOURS } from "../theme/colours";
import { LampMap } from "./lampMap";
import { type Look, SOURCES } from "./layers";

// The diamonds are drawn on a canvas, which Node has not.
vi.mock("./faultIcon", () => ({ putFaultIcons: () => {} }));

const LOOK: Look = { theme: "dark", previewLevel: null, font: "Figtree Variable" };

type Features = GeoJSON.FeatureCollection<GeoJSON.Point>;

/** What `LampMap` uses of a MapLibre map, without a screen: it keeps what it was given. */
class MapDouble {
  readonly data = new Map<string, Features>();
  readonly layers: LayerSpecification[] = [];
  readonly states: [id: number, state: unknown][] = [];
  readonly paint = new Map<string, unknown>();
  setDataCalls = 0;
  found: GeoJSON.Feature[] = [];

  addSource(id: string, source: { data: Features }): void {
    this.data.set(id, source.data);
  }
  addLayer(layer: LayerSpecification): void {
    this.layers.push(layer);
  }
  getLayer(id: string): LayerSpecification | undefined {
    return this.layers.find((layer) => layer.id === id);
  }
  getSource(id: string) {
    return {
      setData: (data: Features) => {
        this.setDataCalls++;
        this.data.set(id, data);
      },
    };
  }
  setFeatureState({ id }: { id: number }, state: unknown): void {
    this.states.push([id, state]);
  }
  removeFeatureState(): void {
    this.states.length = 0;
  }
  setPaintProperty(layer: string, property: string, value: unknown): void {
    this.paint.set(`${layer} ${property}`, value);
  }
  queryRenderedFeatures(): GeoJSON.Feature[] {
    return this.found;
  }
  project([x = 0, y = 0]: [number, number]) {
    return { x, y };
  }
}

function built(...lamps: Parameters<LampStore["upsert"]>[0]) {
  const store = new LampStore((flush) => flush());
  store.upsert(lamps);
  const map = new MapDouble();
  const lampMap = new LampMap(map as unknown as MapLibreMap, store);
  lampMap.build(LOOK);
  store.subscribe((changed) => lampMap.update(changed));
  return { store, map, lampMap };
}

const idsIn = (map: MapDouble, source: string) =>
  map.data.get(source)?.features.map((feature) => feature.properties?.id);

describe("building", () => {
  it("adds every source and draws the lamps that are known", () => {
    const { map } = built(lampState({ id: "A" }), lampState({ id: "B", state: "fault" }));
    expect([...map.data.keys()].sort()).toEqual(Object.values(SOURCES).sort());
    expect(idsIn(map, SOURCES.lamps)).toEqual(["A", "B"]);
    expect(idsIn(map, SOURCES.faults)).toEqual(["B"]);
    expect(map.data.get(SOURCES.areas)?.features).toHaveLength(1);
  });

  it("draws roads below lamps and faults above them", () => {
    const order = built().map.layers.map((layer) => layer.id);
    const at = (id: string) => order.indexOf(id);
    expect(at("lentera-road")).toBeLessThan(at("lentera-glow"));
    expect(at("lentera-glow")).toBeLessThan(at("lentera-lamps"));
    expect(at("lentera-lamps")).toBeLessThan(at("lentera-faults"));
  });
});

describe("a changed lamp", () => {
  it("costs one feature-state and no source", () => {
    const { store, map } = built(lampState({ id: "A" }), lampState({ id: "B" }));
    const before = map.setDataCalls;
    store.upsert([lampState({ id: "B", actualLightState: 40 })]);
    expect(map.states).toEqual([[2, { kind: "lit", level: 40 }]]);
    expect(map.setDataCalls).toBe(before);
  });

  it("costs nothing where it is drawn the same", () => {
    const { store, map } = built(lampState({ id: "A" }));
    store.upsert([lampState({ id: "A", activePower: 12, observedAt: "2025-11-24T11:30:00Z" })]);
    expect(map.states).toEqual([]);
  });

  it("gets a diamond with a fault and loses it without", () => {
    const { store, map } = built(lampState({ id: "A" }));
    store.upsert([lampState({ id: "A", state: "fault", actualLightState: 0 })]);
    expect(map.data.get(SOURCES.faults)?.features[0]?.properties).toEqual({ id: "A", icon: "fault-dark" });
    store.upsert([lampState({ id: "A" })]);
    expect(idsIn(map, SOURCES.faults)).toEqual([]);
  });
});

describe("added and removed lamps", () => {
  it("set the source again and keep their number", () => {
    const { store, map } = built(lampState({ id: "A" }));
    store.upsert([lampState({ id: "A", actualLightState: 10 })]);
    store.upsert([lampState({ id: "B" })]);
    expect(map.data.get(SOURCES.lamps)?.features.map((feature) => feature.id)).toEqual([1, 2]);
    expect(map.states).toEqual([]);
    store.retain(new Set(["B"]));
    expect(map.data.get(SOURCES.lamps)?.features.map((feature) => feature.id)).toEqual([2]);
  });
});

describe("labels of areas", () => {
  it("are set when their text changes, and not otherwise", () => {
    const { store, map, lampMap } = built(lampState({ id: "A" }), lampState({ id: "B" }));
    lampMap.setAreaLabels(() => ({ name: "Soreang", counts: `${store.total().lit} lit` }));
    expect(map.data.get(SOURCES.areaLabels)?.features[0]?.properties).toEqual({
      name: "Soreang",
      counts: "2 lit",
    });
    const before = map.setDataCalls;
    store.upsert([lampState({ id: "A", actualLightState: 40 })]);
    expect(map.setDataCalls).toBe(before);
    store.upsert([lampState({ id: "A", state: "off" })]);
    expect(map.data.get(SOURCES.areaLabels)?.features[0]?.properties?.counts).toBe("1 lit");
  });
});

describe("a click", () => {
  const feature = (id: string, x: number, y: number): GeoJSON.Feature => ({
    type: "Feature",
    properties: { id },
    geometry: { type: "Point", coordinates: [x, y] },
  });
  const click = { point: { x: 100, y: 100 } } as MapMouseEvent;

  it("finds the nearest of the lamps around it", () => {
    const { map, lampMap } = built();
    map.found = [feature("far", 108, 100), feature("near", 98, 101)];
    expect(lampMap.lampAt(click)).toBe("near");
  });

  it("finds nothing where there is no lamp", () => {
    expect(built().lampMap.lampAt(click)).toBeNull();
  });
});

describe("another look", () => {
  it("changes paint alone", () => {
    const { map, lampMap } = built(lampState());
    const before = map.setDataCalls;
    lampMap.setLook({ ...LOOK, theme: "light" });
    expect(map.paint.get("lentera-road line-color")).toBe(COLOURS.light.road);
    expect(map.setDataCalls).toBe(before);
  });

  it("rings the selected lamp", () => {
    const { map, lampMap } = built();
    lampMap.select(lampState({ longitude: 107.5, latitude: -7 }));
    expect(map.data.get(SOURCES.selected)?.features[0]?.geometry.coordinates).toEqual([107.5, -7]);
    lampMap.select(undefined);
    expect(map.data.get(SOURCES.selected)?.features).toEqual([]);
  });
});
