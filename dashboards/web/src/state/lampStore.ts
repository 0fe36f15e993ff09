import type { LampState } from "../api/types";

export interface Counts {
  total: number;
  lit: number;
  off: number;
  fault: number;
  unknown: number;
}

type Listener = (changed: ReadonlySet<string>) => void;

export const noCounts = (): Counts => ({ total: 0, lit: 0, off: 0, fault: 0, unknown: 0 });

/** Every loaded lamp. Listeners get the ids that changed, once per frame. */
export class LampStore {
  private readonly lamps = new Map<string, LampState>();
  private readonly listeners = new Set<Listener>();
  private readonly schedule: (flush: () => void) => void;
  private changed = new Set<string>();
  private seenLive = new Set<string>();
  private scheduled = false;
  private counts = new Map<string, Counts>();
  private countsStale = true;
  /** Grows when lamps were added or removed, not when they only changed. */
  membership = 0;
  version = 0;

  constructor(schedule: (flush: () => void) => void) {
    this.schedule = schedule;
  }

  get size(): number {
    return this.lamps.size;
  }

  get(id: string): LampState | undefined {
    return this.lamps.get(id);
  }

  values(): IterableIterator<LampState> {
    return this.lamps.values();
  }

  /** Put lamps of the live stream. */
  upsert(lamps: readonly LampState[]): void {
    for (const lamp of lamps) {
      this.put(lamp);
      this.seenLive.add(lamp.id);
    }
    this.touch();
  }

  /** Begin a complete load: what the live stream brings from now on is newer than the pages of it. */
  beginLoad(): void {
    this.seenLive.clear();
  }

  /** Put a page of a load, except lamps for which the live stream has brought something newer. */
  fill(lamps: readonly LampState[]): void {
    for (const lamp of lamps) {
      const known = this.seenLive.has(lamp.id) ? this.lamps.get(lamp.id) : undefined;
      if (!known || (lamp.observedAt ?? "") > (known.observedAt ?? "")) this.put(lamp);
    }
    this.touch();
  }

  /** Remove lamps that a complete load did not contain. */
  retain(ids: ReadonlySet<string>): void {
    for (const id of this.lamps.keys()) {
      if (ids.has(id)) continue;
      this.lamps.delete(id);
      this.membership++;
      this.changed.add(id);
    }
    this.touch();
  }

  countsOf(areaId: string): Counts {
    return this.recount().get(areaId) ?? noCounts();
  }

  total(): Counts {
    return this.recount().get("") ?? noCounts();
  }

  subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private put(lamp: LampState): void {
    if (!this.lamps.has(lamp.id)) this.membership++;
    this.lamps.set(lamp.id, lamp);
    this.changed.add(lamp.id);
  }

  private recount(): Map<string, Counts> {
    if (!this.countsStale) return this.counts;
    const counts = new Map<string, Counts>([["", noCounts()]]);
    const all = counts.get("") as Counts;
    for (const lamp of this.lamps.values()) {
      let area = counts.get(lamp.areaId);
      if (!area) {
        area = noCounts();
        counts.set(lamp.areaId, area);
      }
      for (const count of [area, all]) {
        count.total++;
        count[lamp.state]++;
      }
    }
    this.counts = counts;
    this.countsStale = false;
    return counts;
  }

  private touch(): void {
    if (this.scheduled || this.changed.size === 0) return;
    this.scheduled = true;
    this.schedule(() => this.flush());
  }

  private flush(): void {
    const changed = this.changed;
    this.changed = new Set();
    this.scheduled = false;
    this.countsStale = true;
    this.version++;
    for (const listener of this.listeners) listener(changed);
  }
}
