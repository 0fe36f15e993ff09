import type { Clock } from "../api/types";

type Listener = () => void;

/** The system's own time, which may run faster than the wall's; runs on between two ticks of the server. */
export class DomainClock {
  private readonly wallMs: () => number;
  private readonly listeners = new Set<Listener>();
  private baseMs: number | null = null;
  private baseWallMs = 0;
  speed = 1;
  /** Whether readings come in, and when the newest was stored; null when there is none. */
  data: { flowing: boolean; untilMs: number | null } = { flowing: true, untilMs: null };

  constructor(wallMs: () => number) {
    this.wallMs = wallMs;
  }

  set(clock: Clock): void {
    this.baseMs = Date.parse(clock.time);
    this.baseWallMs = this.wallMs();
    this.speed = clock.speed;
    this.data = {
      flowing: clock.ingestOnline !== false,
      untilMs: clock.dataAsOf ? Date.parse(clock.dataAsOf) : null,
    };
    for (const listener of this.listeners) listener();
  }

  get known(): boolean {
    return this.baseMs !== null;
  }

  /** At most two seconds past the last tick: without a connection the time is unknown. */
  nowMs(): number {
    if (this.baseMs === null) return Date.now();
    return this.baseMs + Math.min(this.wallMs() - this.baseWallMs, 2_000) * this.speed;
  }

  subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}
