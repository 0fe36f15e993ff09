import type { LampState } from "../api/types";
import { markOf } from "../state/lampMark";
import { type Point, paddedHull, topMiddle } from "./hull";

type Features = GeoJSON.FeatureCollection;

const AREA_PADDING_M = 160;

export const emptyFeatures = (): Features => ({ type: "FeatureCollection", features: [] });

const collection = (features: GeoJSON.Feature[]): Features => ({ type: "FeatureCollection", features });

const at = (lamp: LampState): GeoJSON.Point => ({
  type: "Point",
  coordinates: [lamp.longitude, lamp.latitude],
});

/** All lamps as points; numeric ids so that a change needs only feature-state. */
export function lampFeatures(lamps: Iterable<LampState>, idOf: (lampId: string) => number): Features {
  const features: GeoJSON.Feature[] = [];
  for (const lamp of lamps) {
    features.push({
      type: "Feature",
      id: idOf(lamp.id),
      properties: { id: lamp.id, ...markOf(lamp) },
      geometry: at(lamp),
    });
  }
  return collection(features);
}

export function faultFeatures(lamps: Iterable<LampState>): Features {
  const features: GeoJSON.Feature[] = [];
  for (const lamp of lamps) {
    if (lamp.state !== "fault") continue;
    const icon = (lamp.actualLightState ?? 0) > 0 ? "fault-lit" : "fault-dark";
    features.push({ type: "Feature", properties: { id: lamp.id, icon }, geometry: at(lamp) });
  }
  return collection(features);
}

export function pointFeature(lamp: LampState | undefined): Features {
  return collection(lamp ? [{ type: "Feature", properties: {}, geometry: at(lamp) }] : []);
}

function pointsByArea(lamps: Iterable<LampState>): Map<string, Point[]> {
  const byArea = new Map<string, Point[]>();
  for (const lamp of lamps) {
    let points = byArea.get(lamp.areaId);
    if (!points) {
      points = [];
      byArea.set(lamp.areaId, points);
    }
    points.push([lamp.longitude, lamp.latitude]);
  }
  return byArea;
}

/** Outlines of the areas, drawn around their own lamps. */
export function areaOutlines(lamps: Iterable<LampState>): Map<string, Point[]> {
  const rings = new Map<string, Point[]>();
  for (const [areaId, points] of pointsByArea(lamps)) rings.set(areaId, paddedHull(points, AREA_PADDING_M));
  return rings;
}

export function outlineFeatures(outlines: ReadonlyMap<string, Point[]>): Features {
  return collection(
    [...outlines].map(([areaId, ring]) => ({
      type: "Feature",
      properties: { areaId },
      geometry: { type: "Polygon", coordinates: [ring.map((point) => [...point])] },
    })),
  );
}

/** What is written at an area: its name, and below it how many of its lamps are lit. */
export interface AreaLabel {
  name: string;
  counts: string;
}

export function areaLabelFeatures(
  outlines: ReadonlyMap<string, Point[]>,
  labelOf: (areaId: string) => AreaLabel,
): Features {
  return collection(
    [...outlines].map(([areaId, ring]) => ({
      type: "Feature",
      properties: { ...labelOf(areaId) },
      geometry: { type: "Point", coordinates: [...topMiddle(ring)] },
    })),
  );
}

/** West, south, east, north of the lamps that pass, or null when none does. */
export function boundsOf(
  lamps: Iterable<LampState>,
  areaId: string | null,
): [number, number, number, number] | null {
  let box: [number, number, number, number] | null = null;
  for (const lamp of lamps) {
    if (areaId && lamp.areaId !== areaId) continue;
    const { longitude: x, latitude: y } = lamp;
    box = box
      ? [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)]
      : [x, y, x, y];
  }
  return box;
}
