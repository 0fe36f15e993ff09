import type { StyleSpecification } from "maplibre-gl";
import { COLOURS } from "../theme/colours";
import { MAP_FONT } from "../theme/fonts";
import type { Theme } from "../theme/theme";

/** The contents of `/config.json`; read at run time, so that a city can use its own base map. */
export interface MapConfig {
  /** Address of a MapLibre style. */
  mapStyle?: string | null;
  /** Address of a PMTiles file in the Protomaps layout. */
  pmtiles?: string | null;
  attribution?: string | null;
}

const GROUND_TIMEOUT_MS = 5_000;

export async function loadConfig(): Promise<MapConfig> {
  try {
    const response = await fetch("/config.json", { cache: "no-cache" });
    return response.ok ? ((await response.json()) as MapConfig) : {};
  } catch {
    return {};
  }
}

/** The base map without a tile server: a plain colour under our own roads and outlines. */
export function plainStyle(theme: Theme): StyleSpecification {
  return {
    version: 8,
    sources: {},
    layers: [
      { id: "lentera-ground", type: "background", paint: { "background-color": COLOURS[theme].ground } },
    ],
  };
}

async function pmtilesStyle(config: MapConfig, address: string, theme: Theme): Promise<StyleSpecification> {
  const [{ Protocol }, { addProtocol }] = await Promise.all([import("pmtiles"), import("maplibre-gl")]);
  addProtocol("pmtiles", new Protocol().tile);
  const { area, areaLine, road } = COLOURS[theme];
  const style = plainStyle(theme);
  const url = `pmtiles://${new URL(address, window.location.href).href}`;
  style.sources.ground = { type: "vector", url, attribution: config.attribution ?? "" };
  const from = (layer: string) => ({ source: "ground", "source-layer": layer });
  style.layers.push(
    {
      id: "ground-landuse",
      type: "fill",
      ...from("landuse"),
      paint: { "fill-color": area, "fill-opacity": 0.4 },
    },
    {
      id: "ground-water",
      type: "fill",
      ...from("water"),
      paint: { "fill-color": areaLine, "fill-opacity": 0.5 },
    },
    { id: "ground-roads", type: "line", ...from("roads"), paint: { "line-color": road, "line-width": 1 } },
    {
      id: "ground-buildings",
      type: "fill",
      ...from("buildings"),
      minzoom: 15,
      paint: { "fill-color": area },
    },
  );
  return style;
}

async function configuredStyle(address: string): Promise<StyleSpecification> {
  const response = await fetch(address, { signal: AbortSignal.timeout(GROUND_TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${address}: HTTP ${response.status}`);
  return (await response.json()) as StyleSpecification;
}

/** The configured base map; the plain one where it cannot be loaded: lamps matter more than tiles. */
export async function baseStyle(config: MapConfig, theme: Theme): Promise<StyleSpecification> {
  try {
    if (config.mapStyle) return await configuredStyle(config.mapStyle);
    if (config.pmtiles) return await pmtilesStyle(config, config.pmtiles, theme);
  } catch {
    return plainStyle(theme);
  }
  return plainStyle(theme);
}

/** A configured style's glyph server has only its own fonts; without one, glyphs are drawn from ours. */
export function fontOf(style: StyleSpecification): string {
  if (!style.glyphs) return MAP_FONT;
  for (const layer of style.layers) {
    const font = layer.type === "symbol" ? layer.layout?.["text-font"] : undefined;
    if (Array.isArray(font) && typeof font[0] === "string") return font[0];
  }
  return MAP_FONT;
}
