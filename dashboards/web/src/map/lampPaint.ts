import type { ExpressionSpecification } from "maplibre-gl";
import type { Palette } from "../theme/colours";
import type { LampKind } from "../theme/lampColour";

const state = (name: string): ExpressionSpecification => ["coalesce", ["feature-state", name], ["get", name]];

const kindIs = (kind: LampKind): ExpressionSpecification => ["==", state("kind"), kind];

/** Paint of the lamp layers; `previewLevel` shows every sound lamp as it is planned for another moment. */
export function lampExpressions(palette: Palette, previewLevel: number | null) {
  const lit: ExpressionSpecification =
    previewLevel === null
      ? kindIs("lit")
      : ["all", ["!=", state("kind"), "fault"], ["literal", previewLevel > 0]];
  const level: ExpressionSpecification | number = previewLevel ?? ["to-number", state("level")];
  const hollow: ExpressionSpecification | boolean =
    previewLevel === null ? kindIs("unknown") : ["literal", false];
  const ramp: ExpressionSpecification = [
    "interpolate",
    ["linear"],
    level,
    0,
    palette.ember,
    50,
    palette.lit,
    100,
    palette.bright,
  ];
  const size: ExpressionSpecification = ["case", kindIs("fault"), 0, lit, 1, hollow, 0.95, 0.72];
  const edge: ExpressionSpecification = [
    "interpolate",
    ["linear"],
    ["zoom"],
    12,
    ["case", hollow, 0.8, 0],
    16,
    ["case", hollow, 1.6, 1.4],
  ];
  const glow: ExpressionSpecification = ["case", lit, ["+", 0.12, ["*", 0.0045, level]], 0];
  const spread: ExpressionSpecification = ["case", lit, ["+", 1.8, ["*", 0.018, level]], 0];
  return {
    colour: ["case", lit, ramp, hollow, "transparent", palette.off] as ExpressionSpecification,
    strokeColour: ["case", hollow, palette.unknown, lit, ramp, palette.offStroke] as ExpressionSpecification,
    size,
    edge,
    glow,
    spread,
  };
}

/** The glow of lamps close together on the screen adds up, so each has less of it when zoomed out. */
export function glowByZoom(glow: ExpressionSpecification): ExpressionSpecification {
  const at = (share: number): ExpressionSpecification => ["*", glow, share];
  return ["interpolate", ["linear"], ["zoom"], 10, at(0.18), 13, at(0.42), 15, at(0.85), 16, at(1)];
}

/** `base` pixels at street zoom, shrinking to a dot over the whole regency. */
export function byZoom(factor: ExpressionSpecification | number, base: number): ExpressionSpecification {
  const at = (share: number): ExpressionSpecification => ["*", factor, base * share];
  return [
    "interpolate",
    ["exponential", 1.5],
    ["zoom"],
    9,
    at(0.16),
    12,
    at(0.3),
    14,
    at(0.6),
    16,
    at(1),
    19,
    at(2.2),
  ];
}
