import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import { allLamps } from "../api/client";
import { type LiveHandlers, openLive } from "../api/live";
import { keys } from "../api/queries";
import type { Alarm } from "../api/types";
import { mergeAlarms } from "./alarms";
import { type Desk, type LiveStatus, useDesk } from "./desk";

export interface LampLoading {
  status: "loading" | "ready" | "failed";
  reload: () => void;
}

async function loadLamps(desk: Desk, signal: AbortSignal): Promise<void> {
  const seen = new Set<string>();
  desk.store.beginLoad();
  for await (const lamps of allLamps(signal)) {
    if (signal.aborted) return;
    desk.store.fill(lamps);
    for (const lamp of lamps) seen.add(lamp.id);
  }
  desk.store.retain(seen);
}

function handlersFor(
  desk: Desk,
  queries: QueryClient,
  setStatus: (status: LiveStatus) => void,
  reload: () => void,
): LiveHandlers {
  return {
    lamps: (lamps) => desk.store.upsert(lamps),
    alarms: (changes) => {
      const active = queries.getQueryData<Alarm[]>(keys.alarms);
      if (active) queries.setQueryData(keys.alarms, mergeAlarms(active, changes));
      else void queries.invalidateQueries({ queryKey: keys.alarms });
    },
    commands: (commands) => {
      for (const command of commands) queries.setQueryData(keys.command(command.id), command);
    },
    gateways: () => void queries.invalidateQueries({ queryKey: keys.summary }),
    clock: (clock) => desk.clock.set(clock),
    connected: (again) => {
      setStatus("live");
      if (!again) return;
      reload();
      void queries.invalidateQueries();
    },
    lost: () => setStatus("lost"),
  };
}

/** Loads every lamp, then keeps lamps, alarms, commands and the clock live; loads again after a gap. */
export function useLive(): { live: LiveStatus; lamps: LampLoading } {
  const desk = useDesk();
  const queries = useQueryClient();
  const [live, setLive] = useState<LiveStatus>("connecting");
  const [status, setStatus] = useState<LampLoading["status"]>("loading");
  const [generation, setGeneration] = useState(0);
  const reload = useCallback(() => setGeneration((value) => value + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new generation is what loads again
  useEffect(() => {
    const abort = new AbortController();
    loadLamps(desk, abort.signal)
      .then(() => setStatus("ready"))
      .catch(() => {
        if (!abort.signal.aborted) setStatus("failed");
      });
    return () => abort.abort();
  }, [desk, generation]);

  useEffect(() => {
    const stream = openLive(handlersFor(desk, queries, setLive, reload));
    return stream.stop;
  }, [desk, queries, reload]);

  return { live, lamps: { status, reload } };
}
