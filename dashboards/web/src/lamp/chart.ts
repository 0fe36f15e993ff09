import uPlot from "uplot";
import type { Telemetry } from "../api/types";
import { PALETTES } from "../map/palette";
import type { Theme } from "../night/sky";

const HEIGHT = 144;
const LEVEL = "actualLightState";
const POWER = "activePower";

/** Two series on one time axis (seconds), as uPlot wants them. */
export function chartData(telemetry: Telemetry): uPlot.AlignedData {
  const tables = [LEVEL, POWER].map((name): uPlot.AlignedData => {
    const points = telemetry.series.find((series) => series.attribute === name)?.points ?? [];
    return [points.map(([ms]) => ms / 1000), points.map(([, value]) => value)];
  });
  const joined = uPlot.join(tables);
  return joined.length === 3 ? joined : [[], [], []];
}

interface Labels {
  level: string;
  power: string;
}

export function chartOptions(
  width: number,
  theme: Theme,
  timeZone: string,
  labels: Labels,
  time: (ms: number) => string,
): uPlot.Options {
  const palette = PALETTES[theme];
  const axis = {
    stroke: palette.areaText,
    font: '11px "Figtree Variable", sans-serif',
    grid: { stroke: palette.areaLine, width: 0.5 },
    ticks: { show: false },
  };
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  return {
    width,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), timeZone),
    cursor: { y: false, points: { size: 6 } },
    legend: { live: true, markers: { width: 0 } },
    scales: {
      x: { time: true },
      level: { range: [0, 105] },
      power: { range: (_, __, max) => [0, Math.max(10, max * 1.15)] },
    },
    axes: [
      { ...axis, values: (_, splits) => splits.map((seconds) => time(seconds * 1000)), space: 56 },
      {
        ...axis,
        scale: "level",
        size: 44,
        splits: () => [0, 50, 100],
        values: (_, splits) => splits.map((value) => `${value} %`),
      },
      {
        ...axis,
        scale: "power",
        side: 1,
        size: 48,
        grid: { show: false },
        values: (_, splits) => splits.map((value) => `${value} W`),
        space: 40,
      },
    ],
    series: [
      { label: "", value: (_, seconds) => (seconds == null ? "–" : time(seconds * 1000)) },
      {
        label: labels.level,
        scale: "level",
        stroke: palette.amber,
        fill: `${palette.amber}33`,
        width: 2,
        points: { show: false },
        spanGaps: true,
        ...(stepped ? { paths: stepped } : {}),
        value: (_, value) => (value == null ? "–" : `${Math.round(value)} %`),
      },
      {
        label: labels.power,
        scale: "power",
        stroke: theme === "dark" ? "#7fb2ff" : "#2457a6",
        width: 1.5,
        points: { show: false },
        spanGaps: true,
        value: (_, value) => (value == null ? "–" : `${value.toFixed(1)} W`),
      },
    ],
  };
}
