import { useCallback, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useAreas, useRoads } from "../api/queries";
import { useFormat } from "../format/useFormat";
import { useDesk, useLamp } from "../state/desk";
import { useView } from "../state/view";
import type { AreaLabel } from "./features";
import type { LampMap } from "./lampMap";

/** An area's name; where there are several, also how many of its lamps are lit. */
function useAreaLabel(): (areaId: string) => AreaLabel {
  const { t } = useTranslation();
  const format = useFormat();
  const { store } = useDesk();
  const areas = useAreas().data;
  return useCallback(
    (areaId) => {
      const name = areas?.find((area) => area.id === areaId)?.name ?? areaId;
      const { lit, total } = store.countsOf(areaId);
      if (total === store.size) return { name, counts: "" };
      return { name, counts: t("areas.lit", { lit: format.count(lit), total: format.count(total) }) };
    },
    [t, format, store, areas],
  );
}

/** Brings lamps, roads, areas and the selection onto the map, and keeps them there. */
export function useMapData(lampMap: LampMap | null): void {
  const { store } = useDesk();
  const { lampId } = useView();
  const selected = useLamp(lampId);
  const roads = useRoads().data;
  const areaLabel = useAreaLabel();

  useEffect(() => {
    if (!lampMap) return;
    lampMap.update(new Set());
    return store.subscribe((changed) => lampMap.update(changed));
  }, [lampMap, store]);

  useEffect(() => {
    if (roads) lampMap?.setRoads(roads);
  }, [lampMap, roads]);

  useEffect(() => {
    lampMap?.setAreaLabels(areaLabel);
  }, [lampMap, areaLabel]);

  useEffect(() => {
    lampMap?.select(selected);
  }, [lampMap, selected]);
}
