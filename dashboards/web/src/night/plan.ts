import type { LevelPoint } from "../api/types";

/** The level in force at `timeMs`: each point holds until the next one. */
export function levelAt(points: readonly LevelPoint[], timeMs: number): number {
  let level = 0;
  for (const point of points) {
    if (Date.parse(point.time) > timeMs) break;
    level = point.level;
  }
  return level;
}

/** Path through means over equal spans, each drawn at the middle of its span. */
export function meanPath(
  points: readonly LevelPoint[],
  x: (timeMs: number) => number,
  y: (level: number) => number,
): string {
  const times = points.map((point) => Date.parse(point.time));
  const half = times.length > 1 ? ((times[1] ?? 0) - (times[0] ?? 0)) / 2 : 0;
  return points
    .map(
      (point, index) =>
        `${index ? "L" : "M"}${x((times[index] ?? 0) + half).toFixed(1)} ${y(point.level).toFixed(1)}`,
    )
    .join("");
}

/** Horizontal-then-vertical path of a plan over the box `width` × `height`, level 100 at `top`. */
export function stepPath(
  points: readonly LevelPoint[],
  x: (timeMs: number) => number,
  y: (level: number) => number,
  startMs: number,
  endMs: number,
): string {
  let path = `M${x(startMs).toFixed(1)} ${y(levelAt(points, startMs)).toFixed(1)}`;
  for (const point of points) {
    const time = Date.parse(point.time);
    if (time <= startMs || time > endMs) continue;
    path += `H${x(time).toFixed(1)}V${y(point.level).toFixed(1)}`;
  }
  return `${path}H${x(endMs).toFixed(1)}`;
}
