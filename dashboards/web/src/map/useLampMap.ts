import { AttributionControl, Map as MapLibreMap, type StyleSpecification, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Desk, useDesk } from "../state/desk";
import { currentView, setView } from "../state/view";
import type { Theme } from "../theme/theme";
import { useTheme } from "../theme/theme";
import { baseStyle, fontOf, loadConfig, plainStyle } from "./baseStyle";
import { LampMap } from "./lampMap";

const EVERYWHERE = { center: [118, -2.5] as [number, number], zoom: 4 };

setWorkerUrl(workerUrl);

interface Built {
  lampMap: LampMap;
  font: string;
}

/** The style in use: the configured one, or the plain one where MapLibre rejects it. */
async function styled(
  map: MapLibreMap,
  style: StyleSpecification,
  theme: Theme,
): Promise<StyleSpecification> {
  const loaded = map.once("style.load").then(() => true);
  const refused = map.once("error").then(() => false);
  if (await Promise.race([loaded, refused])) return style;
  const plain = plainStyle(theme);
  map.setStyle(plain, { diff: false });
  await loaded;
  return plain;
}

async function buildMap(
  box: HTMLElement,
  desk: Desk,
  theme: Theme,
  title: string,
  abort: AbortSignal,
): Promise<Built | null> {
  const config = await loadConfig();
  const style = await baseStyle(config, theme);
  if (abort.aborted) return null;
  const { camera } = currentView();
  const map = new MapLibreMap({
    container: box,
    style,
    ...(camera ? { center: [camera.longitude, camera.latitude], zoom: camera.zoom } : EVERYWHERE),
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    maxZoom: 20,
    minZoom: 4,
    fadeDuration: 150,
    locale: { "Map.Title": title },
  });
  abort.addEventListener("abort", () => map.remove());
  if (config.attribution) map.addControl(new AttributionControl({ customAttribution: config.attribution }));
  map.touchZoomRotate.disableRotation();
  const used = await styled(map, style, theme);
  if (abort.aborted) return null;
  const lampMap = new LampMap(map, desk.store);
  const font = fontOf(used);
  lampMap.build({ theme, previewLevel: null, font });
  return { lampMap, font };
}

function watchUser(lampMap: LampMap): void {
  const { map } = lampMap;
  map.on("click", (event) => {
    const lampId = lampMap.lampAt(event);
    if (lampId) setView({ lampId });
  });
  map.on("moveend", () => {
    const { lng, lat } = map.getCenter();
    setView({ camera: { zoom: map.getZoom(), latitude: lat, longitude: lng } });
  });
}

/** The MapLibre map in `box`, in the desk's theme; null until its style has loaded. */
export function useLampMap(box: HTMLElement | null, previewLevel: number | null) {
  const { t } = useTranslation();
  const desk = useDesk();
  const theme = useTheme();
  const [built, setBuilt] = useState<Built | null>(null);
  const [unsupported, setUnsupported] = useState(false);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a later theme is applied to the same map below
  useEffect(() => {
    if (!box) return;
    const abort = new AbortController();
    buildMap(box, desk, theme, t("map.label"), abort.signal)
      .then((result) => {
        if (!result) return;
        watchUser(result.lampMap);
        setBuilt(result);
      })
      .catch(() => setUnsupported(true));
    return () => {
      abort.abort();
      setBuilt(null);
    };
  }, [box, desk]);

  useEffect(() => {
    built?.lampMap.setLook({ theme, previewLevel, font: built.font });
  }, [built, theme, previewLevel]);

  return { lampMap: built?.lampMap ?? null, unsupported };
}
