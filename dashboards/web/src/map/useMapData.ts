import { useEffect } from "react";
import { useAreas, useRoads } from "../api/queries";
import { useDesk, useLamp } from "../state/desk";
import { useView } from "../state/view";
import type { LampMap } from "./lampMap";

/** Brings lamps, roads, areas and the selection onto the map, and keeps them there. */
export function useMapData(lampMap: LampMap | null): void {
  const { store } = useDesk();
  const { lampId } = useView();
  const selected = useLamp(lampId);
  const roads = useRoads().data;
  const areas = useAreas().data;

  useEffect(() => {
    if (!lampMap) return;
    lampMap.update(new Set());
    return store.subscribe((changed) => lampMap.update(changed));
  }, [lampMap, store]);

  useEffect(() => {
    if (roads) lampMap?.setRoads(roads);
  }, [lampMap, roads]);

  useEffect(() => {
    if (areas) lampMap?.setAreas(areas);
  }, [lampMap, areas]);

  useEffect(() => {
    lampMap?.select(selected);
  }, [lampMap, selected]);
}
