import uPlot from "uplot";
import type { Telemetry } from "../api/types";
import { COLOURS } from "../theme/colours";
import { TEXT_FONT } from "../theme/fonts";
import { alpha } from "../theme/mix";
import type { Theme } from "../theme/theme";

const HEIGHT = 144;
const LEVEL = "actualLightState";
const POWER = "activePower";

/** Two series on one time axis (seconds), in uPlot's format. */
export function chartData(telemetry: Telemetry): uPlot.AlignedData {
  const tables = [LEVEL, POWER].map((name): uPlot.AlignedData => {
    const points = telemetry.series.find((series) => series.attribute === name)?.points ?? [];
    return [
      points.map(([ms]) => ms / 1000),
      points.map(([, value]) => (typeof value === "number" ? value : null)),
    ];
  });
  const joined = uPlot.join(tables);
  return joined.length === 3 ? joined : [[], [], []];
}

export function chartOptions(
  width: number,
  theme: Theme,
  timeZone: string,
  time: (ms: number) => string,
  onCursor: (index: number | null) => void,
): uPlot.Options {
  const palette = COLOURS[theme];
  const axis = {
    stroke: palette.areaText,
    font: `11px ${TEXT_FONT}`,
    grid: { stroke: palette.areaLine, width: 0.5 },
    ticks: { show: false },
  };
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  return {
    width,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), timeZone),
    cursor: { y: false, points: { size: 6 } },
    legend: { show: false },
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)] },
    scales: {
      x: { time: true },
      level: { range: [0, 105] },
      power: { range: (_, __, max) => [0, Math.max(10, max * 1.15)] },
    },
    axes: [
      { ...axis, size: 28, values: (_, splits) => splits.map((seconds) => time(seconds * 1000)), space: 56 },
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
      {},
      {
        scale: "level",
        stroke: palette.lit,
        fill: alpha(palette.lit, 0.2),
        width: 2,
        points: { show: false },
        spanGaps: true,
        ...(stepped ? { paths: stepped } : {}),
      },
      {
        scale: "power",
        stroke: palette.power,
        width: 1.5,
        points: { show: false },
        spanGaps: true,
      },
    ],
  };
}
