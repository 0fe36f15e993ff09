import type { Map as MapLibreMap, PaddingOptions } from "maplibre-gl";
import { useCallback, useEffect, useRef } from "react";
import type { LampState } from "../api/types";
import { useDesk, useStoreVersion } from "../state/desk";
import { currentView, useView } from "../state/view";
import { boundsOf } from "./features";
import type { LampMap } from "./lampMap";

const LAMP_ZOOM = 16;
const NARROW_PX = 768;

/** What the floating panels cover, so that what is shown is not under them. */
function padding(map: MapLibreMap): PaddingOptions {
  const { clientWidth: width, clientHeight: height } = map.getContainer();
  const panel = currentView().lampId !== null;
  if (width < NARROW_PX) return { top: 72, left: 32, right: 32, bottom: panel ? height * 0.62 + 24 : 120 };
  return { top: 88, bottom: 72, left: 368, right: panel ? 424 : 64 };
}

function showLamp(map: MapLibreMap, lamp: LampState): void {
  const { left = 0, right = 0, top = 0, bottom = 0 } = padding(map);
  const { x, y } = map.project([lamp.longitude, lamp.latitude]);
  const { clientWidth: width, clientHeight: height } = map.getContainer();
  const inSight = x > left && x < width - right && y > top && y < height - bottom;
  if (inSight && map.getZoom() >= LAMP_ZOOM - 3) return;
  map.easeTo({
    center: [lamp.longitude, lamp.latitude],
    zoom: Math.max(map.getZoom(), LAMP_ZOOM),
    offset: [(left - right) / 2, (top - bottom) / 2],
    duration: 700,
  });
}

/** Moves the camera: to everything at first, to an area when picked, to a lamp that is out of sight. */
export function useCamera(lampMap: LampMap | null): () => void {
  const { store } = useDesk();
  const version = useStoreVersion();
  const { areaId, lampId } = useView();
  const placed = useRef(currentView().camera !== null);
  const shownArea = useRef(areaId);

  const frame = useCallback(
    (area: string | null, animate: boolean) => {
      const bounds = lampMap && boundsOf(store.values(), area);
      if (!bounds) return;
      lampMap.map.fitBounds(bounds, {
        padding: padding(lampMap.map),
        maxZoom: 16.5,
        duration: animate ? 700 : 0,
      });
    },
    [lampMap, store],
  );

  useEffect(() => {
    const release = (event: { originalEvent?: unknown }) => {
      if (event.originalEvent) placed.current = true;
    };
    lampMap?.map.on("movestart", release);
    return () => {
      lampMap?.map.off("movestart", release);
    };
  }, [lampMap]);

  useEffect(() => {
    if (shownArea.current === areaId) return;
    shownArea.current = areaId;
    placed.current = true;
    frame(areaId, true);
  }, [areaId, frame]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: lamps come page by page; the first frame has to hold them all
  useEffect(() => {
    if (!placed.current) frame(areaId, false);
  }, [frame, areaId, store.membership]);

  const lampKnown = lampId !== null && version > 0 && store.get(lampId) !== undefined;
  useEffect(() => {
    const lamp = lampId && lampKnown ? store.get(lampId) : undefined;
    if (!lampMap || !lamp) return;
    placed.current = true;
    showLamp(lampMap.map, lamp);
  }, [lampMap, lampId, lampKnown, store]);

  return useCallback(() => frame(null, true), [frame]);
}
