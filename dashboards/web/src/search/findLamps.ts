import type { LampState } from "../api/types";

/** Lamps whose id or road holds every word of the query; ids that begin with it come first. */
export function findLamps(lamps: Iterable<LampState>, query: string): LampState[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const found: LampState[] = [];
  for (const lamp of lamps) {
    const text = `${lamp.id} ${lamp.road}`.toLowerCase();
    if (words.every((word) => text.includes(word))) found.push(lamp);
  }
  const first = words.join(" ");
  const rank = (lamp: LampState) => (lamp.id.toLowerCase().startsWith(first) ? 0 : 1);
  return found.sort((a, b) => rank(a) - rank(b) || a.id.localeCompare(b.id));
}
