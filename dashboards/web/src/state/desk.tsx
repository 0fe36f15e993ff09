import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import type { LampState } from "../api/types";
import { DomainClock } from "./clock";
import { type Counts, LampStore } from "./lampStore";

export type LiveStatus = "connecting" | "live" | "lost";

/** What every part of the desk shares outside of the query cache: the lamps and the clock. */
export interface Desk {
  store: LampStore;
  clock: DomainClock;
}

const FRAME_MS = 120;

export function createDesk(): Desk {
  return {
    store: new LampStore((flush) => window.setTimeout(flush, FRAME_MS)),
    clock: new DomainClock(() => performance.now()),
  };
}

const DeskContext = createContext<Desk | null>(null);

export function DeskProvider({ desk, children }: { desk: Desk; children: ReactNode }) {
  return <DeskContext value={desk}>{children}</DeskContext>;
}

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error("useDesk outside of DeskProvider");
  return desk;
}

export function useLamp(id: string | null): LampState | undefined {
  const { store } = useDesk();
  return useSyncExternalStore(store.subscribe, () => (id ? store.get(id) : undefined));
}

export function useCounts(): Counts {
  const { store } = useDesk();
  return useSyncExternalStore(store.subscribe, () => store.total());
}

/** Renders again on every change of any lamp; for lists that read the store themselves. */
export function useStoreVersion(): number {
  const { store } = useDesk();
  return useSyncExternalStore(store.subscribe, () => store.version);
}

/** The system's time, read every `everyMs` of wall time. */
export function useNow(everyMs: number): number {
  const { clock } = useDesk();
  const [now, setNow] = useState(() => clock.nowMs());
  useEffect(() => {
    const tick = () => setNow(clock.nowMs());
    const timer = window.setInterval(tick, everyMs);
    const unsubscribe = clock.subscribe(tick);
    return () => {
      window.clearInterval(timer);
      unsubscribe();
    };
  }, [clock, everyMs]);
  return now;
}

/** Whether the server's time is known; until then the browser's is used. */
export function useClockKnown(): boolean {
  const { clock } = useDesk();
  return useSyncExternalStore(clock.subscribe, () => clock.known);
}

export function useSpeed(): number {
  const { clock } = useDesk();
  const speed = () => clock.speed;
  return useSyncExternalStore(clock.subscribe, speed, speed);
}
