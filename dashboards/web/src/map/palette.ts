import type { Theme } from "../night/sky";

export interface MapPalette {
  ground: string;
  area: string;
  areaLine: string;
  areaText: string;
  road: string;
  roadCasing: string;
  roadText: string;
  halo: string;
  ember: string;
  amber: string;
  bright: string;
  glow: string;
  off: string;
  offStroke: string;
  unknown: string;
  fault: string;
  faultEdge: string;
  select: string;
}

export const PALETTES: Record<Theme, MapPalette> = {
  dark: {
    ground: "#0a111f",
    area: "#17243f",
    areaLine: "#31466f",
    areaText: "#9db0d3",
    road: "#25344f",
    roadCasing: "#131d31",
    roadText: "#7f92b5",
    halo: "#0a111f",
    ember: "#a5641a",
    amber: "#f2a73b",
    bright: "#ffd98a",
    glow: "#ffb547",
    off: "#46577a",
    offStroke: "#0a111f",
    unknown: "#93a3c2",
    fault: "#ff5d73",
    faultEdge: "#0a111f",
    select: "#ffffff",
  },
  light: {
    ground: "#f4f1ea",
    area: "#e9e4d8",
    areaLine: "#c3b99f",
    areaText: "#6a6350",
    road: "#ffffff",
    roadCasing: "#d8d1c1",
    roadText: "#857d69",
    halo: "#f4f1ea",
    ember: "#b07a38",
    amber: "#e08a00",
    bright: "#ffb000",
    glow: "#ffb52e",
    off: "#8a8f9c",
    offStroke: "#ffffff",
    unknown: "#767c8a",
    fault: "#c8102e",
    faultEdge: "#ffffff",
    select: "#0f1b33",
  },
};
