/**
 * Every colour of the map, the desk and the gateway's status page, each written once: the map's layers, Mantine's
 * theme and the CSS variables are made from this file, and a test finds colours written elsewhere.
 */
import { alpha } from "./mix";
import type { Theme } from "./theme";

/** From dark to pale: a lamp at 0, 50 and 100 %, and the steps that buttons need. */
export const AMBER = [
  "#fff6e3",
  "#ffe9bf",
  "#ffd98a",
  "#fbc45d",
  "#f6b348",
  "#f2a73b",
  "#dd8f1e",
  "#b86e00",
  "#8f5400",
  "#663b00",
] as const;

/** Night blue, from its text to its ground. */
export const INK = [
  "#e9eef8",
  "#b9c6df",
  "#94a5c6",
  "#5b6d92",
  "#31446a",
  "#1d2b47",
  "#16223a",
  "#101a2d",
  "#0a111f",
  "#060b16",
] as const;

const WHITE = "#ffffff";
const BLACK = "#000000";
const PAPER = "#f4f1ea";
const SHEET = "#fffdf8";
const DAY_AMBER = "#e79611";
const ON_AMBER = "#201300";
const NIGHT_FAULT = "#ff5d73";
const DAY_FAULT = "#c8102e";

/** What both themes name. */
export interface Palette {
  /** Under everything: the map without tiles. */
  ground: string;
  surface: string;
  surfaceGlass: string;
  raised: string;
  hover: string;
  line: string;
  text: string;
  muted: string;
  amber: string;
  amberText: string;
  amberWash: string;
  /** Text on amber. */
  onAmber: string;
  fault: string;
  faultText: string;
  faultWash: string;
  good: string;
  wait: string;
  shade: string;
  area: string;
  areaLine: string;
  areaText: string;
  road: string;
  roadCasing: string;
  roadText: string;
  /** A lamp at its lowest, middle and highest level. */
  ember: string;
  lit: string;
  bright: string;
  glow: string;
  off: string;
  offStroke: string;
  unknown: string;
  faultEdge: string;
  select: string;
  power: string;
}

export const COLOURS: Record<Theme, Palette> = {
  dark: {
    ground: INK[8],
    surface: INK[7],
    surfaceGlass: alpha(INK[7], 0.88),
    raised: "#1a2740",
    hover: INK[5],
    line: "#263655",
    text: INK[0],
    muted: INK[2],
    amber: AMBER[5],
    amberText: "#ffc768",
    amberWash: alpha(AMBER[5], 0.14),
    onAmber: ON_AMBER,
    fault: NIGHT_FAULT,
    faultText: "#ff8796",
    faultWash: alpha(NIGHT_FAULT, 0.13),
    good: "#62d2a2",
    wait: "#ffb454",
    shade: alpha(BLACK, 0.45),
    area: "#17243f",
    areaLine: "#31466f",
    areaText: "#9db0d3",
    road: "#25344f",
    roadCasing: "#131d31",
    roadText: "#7f92b5",
    ember: "#a5641a",
    lit: AMBER[5],
    bright: AMBER[2],
    glow: "#ffb547",
    off: "#46577a",
    offStroke: INK[8],
    unknown: "#93a3c2",
    faultEdge: INK[8],
    select: WHITE,
    power: "#7fb2ff",
  },
  light: {
    ground: PAPER,
    surface: SHEET,
    surfaceGlass: alpha(SHEET, 0.92),
    raised: "#f6f2e8",
    hover: "#f1ecdf",
    line: "#e1dac9",
    text: "#182136",
    muted: "#666a78",
    amber: DAY_AMBER,
    amberText: "#915700",
    amberWash: alpha(DAY_AMBER, 0.13),
    onAmber: ON_AMBER,
    fault: DAY_FAULT,
    faultText: "#b00d28",
    faultWash: alpha(DAY_FAULT, 0.08),
    good: "#1f7a53",
    wait: "#854600",
    shade: alpha("#3c3214", 0.14),
    area: "#e9e4d8",
    areaLine: "#c3b99f",
    areaText: "#6a6350",
    road: WHITE,
    roadCasing: "#d8d1c1",
    roadText: "#857d69",
    ember: "#b07a38",
    lit: "#e08a00",
    bright: "#ffb000",
    glow: "#ffb52e",
    off: "#8a8f9c",
    offStroke: WHITE,
    unknown: "#767c8a",
    faultEdge: WHITE,
    select: "#0f1b33",
    power: "#2457a6",
  },
};

const DUSK = "#5c3f74";
const AFTERGLOW = "#b0566a";
const DEEP_NIGHT = "#0a1330";

/** Sky colours by the sun's altitude in degrees, highest first. */
export const SKY: Record<Theme, readonly (readonly [altitude: number, colour: string])[]> = {
  dark: [
    [60, "#36618f"],
    [12, "#44709c"],
    [4, "#8b8793"],
    [0, "#cf8259"],
    [-3, AFTERGLOW],
    [-6, DUSK],
    [-10, "#273463"],
    [-14, "#131f44"],
    [-18, DEEP_NIGHT],
  ],
  light: [
    [60, "#b7d9f2"],
    [12, "#c4dcf0"],
    [4, "#f2dfc3"],
    [0, "#f7bd86"],
    [-3, "#e08f8b"],
    [-6, "#9275a6"],
    [-10, "#54639f"],
    [-14, "#384a86"],
    [-18, "#2c3c75"],
  ],
};

/** Drawn on the sky, which has its own colours in both themes. */
export const ON_SKY = {
  planLine: "#ffd27a",
  planTop: "#ffc861",
  planFoot: "#ff9d2e",
  mark: WHITE,
  /** On a pale daytime sky. */
  darkMark: "#24304a",
  fault: NIGHT_FAULT,
  faultEdge: alpha(INK[8], 0.8),
} as const;

/** The street at dusk behind the login form, the same in both themes. */
export const LOGIN = {
  sky: `linear-gradient(${DEEP_NIGHT}, #1b2857 42%, ${DUSK} 68%, ${AFTERGLOW} 82%, #d98b5f 92%, #1a1b2b 92.2%)`,
  pole: "#12131f",
  unlit: "#3a3a4a",
  lamp: AMBER[2],
  glow: alpha("#ffbe5a", 0.55),
} as const;

type StatusColour =
  | "paper"
  | "card"
  | "ink"
  | "soft"
  | "rule"
  | "head"
  | "onHead"
  | "good"
  | "bad"
  | "wait"
  | "lit"
  | "focus";

/**
 * The gateway's status page is read on a phone in full sunlight: white paper and more contrast than the desk by day,
 * the desk's own colours at night.
 */
export const STATUS: Record<Theme, Record<StatusColour, string>> = {
  light: {
    paper: WHITE,
    card: "#f1f4fa",
    ink: "#0a1226",
    soft: "#45506a",
    rule: "#c3cad9",
    head: "#0d1a3a",
    onHead: WHITE,
    good: "#0b6b35",
    bad: "#b3001b",
    wait: COLOURS.light.wait,
    lit: "#f5a600",
    focus: "#3d86ff",
  },
  dark: {
    paper: INK[8],
    card: INK[7],
    ink: INK[0],
    soft: INK[1],
    rule: INK[4],
    head: INK[6],
    onHead: INK[0],
    good: COLOURS.dark.good,
    bad: COLOURS.dark.faultText,
    wait: COLOURS.dark.wait,
    lit: COLOURS.dark.glow,
    focus: COLOURS.dark.power,
  },
};
