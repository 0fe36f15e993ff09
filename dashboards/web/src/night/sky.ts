import type { Night } from "../api/types";
import { SKY } from "../theme/colours";
import { mix } from "../theme/mix";
import type { Theme } from "../theme/theme";

const HORIZON = -0.83;
const CIVIL = -6;
const NOON_ALTITUDE = 60;

/** The colour of the sky with the sun at `altitude` degrees. */
export function skyColour(altitude: number, theme: Theme): string {
  const ramp = SKY[theme];
  for (let index = 1; index < ramp.length; index++) {
    const [high, highColour] = ramp[index - 1] as readonly [number, string];
    const [low, lowColour] = ramp[index] as readonly [number, string];
    if (altitude > high) return highColour;
    if (altitude >= low) return mix(highColour, lowColour, (high - altitude) / (high - low));
  }
  return (ramp[ramp.length - 1] as readonly [number, string])[1];
}

type Knot = readonly [timeMs: number, altitude: number];

/** Known moments of the night as (time, sun altitude); deep twilight follows from the speed of the civil one. */
export function altitudeKnots(night: Night): Knot[] {
  const start = Date.parse(night.start);
  const end = Date.parse(night.end);
  if (!night.sunset || !night.sunrise) {
    const altitude = night.planned.some((point) => point.level > 0) ? -8 : 8;
    return [
      [start, altitude],
      [end, altitude],
    ];
  }
  const sunset = Date.parse(night.sunset);
  const sunrise = Date.parse(night.sunrise);
  const middle = (sunset + sunrise) / 2;
  const knots: Knot[] = [
    [start, NOON_ALTITUDE],
    [sunset, HORIZON],
  ];
  addTwilight(knots, sunset, night.civilDusk, (time) => Math.min(time, middle));
  const morning: Knot[] = [];
  addTwilight(morning, sunrise, night.civilDawn, (time) => Math.max(time, middle));
  return [...knots, ...morning.reverse(), [sunrise, HORIZON], [end, NOON_ALTITUDE]];
}

function addTwilight(
  knots: Knot[],
  horizonMs: number,
  civil: string | null,
  clamp: (ms: number) => number,
): void {
  if (!civil) return;
  const civilMs = Date.parse(civil);
  const perDegree = (civilMs - horizonMs) / (HORIZON - CIVIL);
  for (const altitude of [CIVIL, -12, -18]) {
    const time = horizonMs + perDegree * (HORIZON - altitude);
    if (clamp(time) === time) knots.push([time, altitude]);
  }
}

export function altitudeAt(knots: readonly Knot[], timeMs: number): number {
  for (let index = 1; index < knots.length; index++) {
    const [fromMs, from] = knots[index - 1] as Knot;
    const [toMs, to] = knots[index] as Knot;
    if (timeMs <= toMs)
      return toMs === fromMs ? to : from + ((to - from) * (timeMs - fromMs)) / (toMs - fromMs);
  }
  return (knots[knots.length - 1] as Knot)[1];
}

/** Gradient stops (share of the strip 0–1, colour), dense enough that dusk is smooth. */
export function skyStops(night: Night, theme: Theme, steps = 96): { offset: number; colour: string }[] {
  const knots = altitudeKnots(night);
  const start = Date.parse(night.start);
  const end = Date.parse(night.end);
  return Array.from({ length: steps + 1 }, (_, index) => {
    const offset = index / steps;
    return { offset, colour: skyColour(altitudeAt(knots, start + (end - start) * offset), theme) };
  });
}

/** Dark when the sun is below the horizon; null while the night is not known. */
export function themeAt(night: Night | undefined, timeMs: number): Theme | null {
  if (!night) return null;
  return altitudeAt(altitudeKnots(night), timeMs) < HORIZON ? "dark" : "light";
}
