const channels = (hex: string) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));

/** The colour at `share` (0 to 1) of the way from one colour to another, both as `#rrggbb`. */
export function mix(from: string, to: string, share: number): string {
  const a = channels(from);
  const b = channels(to);
  const mixed = a.map((value, index) => Math.round(value + ((b[index] ?? value) - value) * share));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** The colour with an opacity of 0 to 1. */
export const alpha = (hex: string, opacity: number): string =>
  `rgb(${channels(hex).join(" ")} / ${Math.round(opacity * 100)}%)`;
