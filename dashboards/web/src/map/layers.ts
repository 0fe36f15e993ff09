import type { LayerSpecification, Map as MapLibreMap } from "maplibre-gl";
import { COLOURS } from "../theme/colours";
import type { Theme } from "../theme/theme";
import { byZoom, glowByZoom, lampExpressions } from "./lampPaint";

export const SOURCES = {
  areas: "lentera-areas",
  areaLabels: "lentera-area-labels",
  roads: "lentera-roads",
  lamps: "lentera-lamps",
  faults: "lentera-faults",
  selected: "lentera-selected",
} as const;

export const LAMP_LAYER = "lentera-lamps";
export const FAULT_LAYER = "lentera-faults";

export interface Look {
  theme: Theme;
  previewLevel: number | null;
  font: string;
}

function groundLayers({ theme, font }: Look): LayerSpecification[] {
  const palette = COLOURS[theme];
  return [
    {
      id: "lentera-area-fill",
      type: "fill",
      source: SOURCES.areas,
      paint: {
        "fill-color": palette.area,
        "fill-opacity": ["interpolate", ["linear"], ["zoom"], 11, 0.75, 15, 0.35],
      },
    },
    {
      id: "lentera-area-line",
      type: "line",
      source: SOURCES.areas,
      paint: {
        "line-color": palette.areaLine,
        "line-width": 1.2,
        "line-dasharray": [3, 3],
        "line-opacity": 0.8,
      },
    },
    {
      id: "lentera-road-casing",
      type: "line",
      source: SOURCES.roads,
      minzoom: 12.5,
      layout: { "line-cap": "round", "line-join": "round" },
      paint: {
        "line-color": palette.roadCasing,
        "line-width": ["interpolate", ["exponential", 1.6], ["zoom"], 12, 1.5, 16, 11, 19, 44],
      },
    },
    {
      id: "lentera-road",
      type: "line",
      source: SOURCES.roads,
      layout: { "line-cap": "round", "line-join": "round" },
      paint: {
        "line-color": palette.road,
        "line-width": ["interpolate", ["exponential", 1.6], ["zoom"], 10, 0.5, 13, 1.6, 16, 8, 19, 38],
      },
    },
    {
      id: "lentera-road-label",
      type: "symbol",
      source: SOURCES.roads,
      minzoom: 14.5,
      layout: {
        "symbol-placement": "line",
        "text-field": ["get", "name"],
        "text-font": [font],
        "text-size": ["interpolate", ["linear"], ["zoom"], 14.5, 10, 18, 13],
        "text-offset": [0, 1.1],
        "symbol-spacing": 420,
      },
      paint: { "text-color": palette.roadText, "text-halo-color": palette.ground, "text-halo-width": 1.4 },
    },
  ];
}

function lampLayers({ theme, previewLevel }: Look): LayerSpecification[] {
  const palette = COLOURS[theme];
  const lamp = lampExpressions(palette, previewLevel);
  return [
    {
      id: "lentera-glow",
      type: "circle",
      source: SOURCES.lamps,
      paint: {
        "circle-color": palette.glow,
        "circle-radius": byZoom(lamp.spread, theme === "dark" ? 6 : 4.5),
        "circle-blur": 1,
        "circle-opacity": glowByZoom(lamp.glow),
        "circle-pitch-alignment": "map",
      },
    },
    {
      id: LAMP_LAYER,
      type: "circle",
      source: SOURCES.lamps,
      paint: {
        "circle-color": lamp.colour,
        "circle-radius": byZoom(lamp.size, 5),
        "circle-stroke-color": lamp.strokeColour,
        "circle-stroke-width": lamp.edge,
      },
    },
  ];
}

function markLayers({ theme, font }: Look): LayerSpecification[] {
  const palette = COLOURS[theme];
  return [
    {
      id: "lentera-selected",
      type: "circle",
      source: SOURCES.selected,
      paint: {
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 10, 8, 16, 14, 19, 24],
        "circle-color": "transparent",
        "circle-stroke-color": palette.select,
        "circle-stroke-width": 2.5,
      },
    },
    {
      id: FAULT_LAYER,
      type: "symbol",
      source: SOURCES.faults,
      layout: {
        "icon-image": ["get", "icon"],
        "icon-size": ["interpolate", ["linear"], ["zoom"], 10, 0.42, 14, 0.72, 18, 1.1],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
      },
    },
    {
      id: "lentera-lamp-label",
      type: "symbol",
      source: SOURCES.lamps,
      minzoom: 17,
      layout: {
        "text-field": ["get", "id"],
        "text-font": [font],
        "text-size": 11,
        "text-offset": [0, 1.4],
        "text-anchor": "top",
      },
      paint: { "text-color": palette.areaText, "text-halo-color": palette.ground, "text-halo-width": 1.4 },
    },
    {
      id: "lentera-area-label",
      type: "symbol",
      source: SOURCES.areaLabels,
      maxzoom: 14.5,
      layout: {
        "text-field": ["format", ["get", "name"], {}, "\n", {}, ["get", "counts"], { "font-scale": 0.85 }],
        "text-font": [font],
        "text-size": ["interpolate", ["linear"], ["zoom"], 10, 12, 14, 16],
        "text-line-height": 1.3,
        "text-anchor": "bottom",
        "text-offset": [0, -0.3],
        "text-padding": 4,
        "text-max-width": 24,
      },
      paint: { "text-color": palette.areaText, "text-halo-color": palette.ground, "text-halo-width": 1.6 },
    },
  ];
}

export function ownLayers(look: Look): LayerSpecification[] {
  return [...groundLayers(look), ...lampLayers(look), ...markLayers(look)];
}

/** Repaint the layers that are on the map for another look, without touching their data. */
export function applyLook(map: MapLibreMap, look: Look): void {
  for (const layer of ownLayers(look)) {
    if (!map.getLayer(layer.id)) continue;
    for (const [property, value] of Object.entries(layer.paint ?? {})) {
      map.setPaintProperty(layer.id, property as never, value as never);
    }
  }
  if (map.getLayer("lentera-ground")) {
    map.setPaintProperty("lentera-ground", "background-color", COLOURS[look.theme].ground);
  }
}
