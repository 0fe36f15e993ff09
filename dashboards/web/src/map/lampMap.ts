import type { GeoJSONSource, Map as MapLibreMap, MapMouseEvent } from "maplibre-gl";
import type { LampState, Roads } from "../api/types";
import { type LampMark, markOf, sameMark } from "../state/lampMark";
import type { LampStore } from "../state/lampStore";
import { putFaultIcons } from "./faultIcon";
import {
  type AreaLabel,
  areaLabelFeatures,
  areaOutlines,
  emptyFeatures,
  faultFeatures,
  lampFeatures,
  outlineFeatures,
  pointFeature,
} from "./features";
import type { Point } from "./hull";
import { applyLook, FAULT_LAYER, LAMP_LAYER, type Look, ownLayers, SOURCES } from "./layers";

const CLICK_SLACK_PX = 9;

/** Keeps the map's sources equal to the lamp store; a changed lamp costs one feature-state. */
export class LampMap {
  readonly map: MapLibreMap;
  private readonly store: LampStore;
  private readonly ids = new Map<string, number>();
  private readonly drawn = new Map<string, LampMark>();
  private membership = -1;
  private outlines: ReadonlyMap<string, Point[]> = new Map();
  private labelOf = (areaId: string): AreaLabel => ({ name: areaId, counts: "" });
  private drawnLabels = "";

  constructor(map: MapLibreMap, store: LampStore) {
    this.map = map;
    this.store = store;
  }

  /** Call once, after the style has loaded. */
  build(look: Look): void {
    putFaultIcons(this.map, look.theme);
    for (const id of Object.values(SOURCES)) {
      this.map.addSource(id, { type: "geojson", data: emptyFeatures() });
    }
    for (const layer of ownLayers(look)) this.map.addLayer(layer);
    this.redraw();
  }

  setLook(look: Look): void {
    putFaultIcons(this.map, look.theme);
    applyLook(this.map, look);
  }

  setRoads(roads: Roads): void {
    this.source(SOURCES.roads)?.setData(roads);
  }

  setAreaLabels(labelOf: (areaId: string) => AreaLabel): void {
    this.labelOf = labelOf;
    this.drawLabels();
  }

  select(lamp: LampState | undefined): void {
    this.source(SOURCES.selected)?.setData(pointFeature(lamp));
  }

  /** Draw what changed; added or removed lamps need their whole source set again. */
  update(changed: ReadonlySet<string>): void {
    if (this.membership !== this.store.membership) {
      this.redraw();
      return;
    }
    let faultsChanged = false;
    for (const id of changed) {
      const lamp = this.store.get(id);
      if (!lamp) continue;
      const mark = markOf(lamp);
      const before = this.drawn.get(id);
      if (sameMark(before, mark)) continue;
      this.drawn.set(id, mark);
      this.map.setFeatureState({ source: SOURCES.lamps, id: this.idOf(id) }, { ...mark });
      faultsChanged ||= mark.kind === "fault" || before?.kind === "fault";
    }
    if (faultsChanged) this.drawFaults();
    this.drawLabels();
  }

  /** The lamp nearest to a click, within the width of a finger. */
  lampAt(event: MapMouseEvent): string | null {
    const { x, y } = event.point;
    const found = this.map.queryRenderedFeatures(
      [
        [x - CLICK_SLACK_PX, y - CLICK_SLACK_PX],
        [x + CLICK_SLACK_PX, y + CLICK_SLACK_PX],
      ],
      { layers: [LAMP_LAYER, FAULT_LAYER] },
    );
    let best: { id: string; distance: number } | null = null;
    for (const feature of found) {
      if (feature.geometry.type !== "Point") continue;
      const [longitude = 0, latitude = 0] = feature.geometry.coordinates;
      const point = this.map.project([longitude, latitude]);
      const distance = Math.hypot(point.x - x, point.y - y);
      if (!best || distance < best.distance) best = { id: String(feature.properties.id), distance };
    }
    return best?.id ?? null;
  }

  private redraw(): void {
    this.membership = this.store.membership;
    this.drawn.clear();
    for (const lamp of this.store.values()) this.drawn.set(lamp.id, markOf(lamp));
    this.map.removeFeatureState({ source: SOURCES.lamps });
    this.source(SOURCES.lamps)?.setData(lampFeatures(this.store.values(), (id) => this.idOf(id)));
    this.drawFaults();
    this.drawAreas();
  }

  private drawFaults(): void {
    this.source(SOURCES.faults)?.setData(faultFeatures(this.store.values()));
  }

  private drawAreas(): void {
    this.outlines = areaOutlines(this.store.values());
    this.source(SOURCES.areas)?.setData(outlineFeatures(this.outlines));
    this.drawLabels();
  }

  /** Most changes of a lamp change no count, so labels are set only when their text differs. */
  private drawLabels(): void {
    const labels = areaLabelFeatures(this.outlines, this.labelOf);
    const text = JSON.stringify(labels);
    if (text === this.drawnLabels) return;
    this.drawnLabels = text;
    this.source(SOURCES.areaLabels)?.setData(labels);
  }

  private idOf(lampId: string): number {
    let id = this.ids.get(lampId);
    if (id === undefined) {
      id = this.ids.size + 1;
      this.ids.set(lampId, id);
    }
    return id;
  }

  private source(id: string): GeoJSONSource | undefined {
    return this.map.getSource<GeoJSONSource>(id);
  }
}
