import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, activeAlarms, api } from "./client";
import type { Alarm, CommandRequest } from "./types";

export const keys = {
  session: ["session"] as const,
  summary: ["summary"] as const,
  areas: ["areas"] as const,
  roads: ["roads"] as const,
  night: ["night"] as const,
  alarms: ["alarms"] as const,
  lamp: (id: string) => ["lamp", id] as const,
  telemetry: (id: string) => ["telemetry", id] as const,
  command: (id: string) => ["command", id] as const,
};

const CHART_ATTRIBUTES = ["actualLightState", "activePower"];
const DAY_MS = 24 * 3_600_000;

/** Retry what may be transient: a refused request is refused the next time too. */
export function worthRetrying(failures: number, error: Error): boolean {
  if (error instanceof ApiError && error.status < 500) return false;
  return failures < 3;
}

export const useSession = () =>
  useQuery({ queryKey: keys.session, queryFn: api.session, staleTime: Number.POSITIVE_INFINITY });

export const useSummary = (fast: boolean) =>
  useQuery({ queryKey: keys.summary, queryFn: api.summary, refetchInterval: fast ? 2_000 : 10_000 });

export const useAreas = () => useQuery({ queryKey: keys.areas, queryFn: api.areas, refetchInterval: 60_000 });

export const useRoads = () =>
  useQuery({ queryKey: keys.roads, queryFn: api.roads, staleTime: Number.POSITIVE_INFINITY });

export const useNight = (fast: boolean) =>
  useQuery({ queryKey: keys.night, queryFn: api.night, refetchInterval: fast ? 5_000 : 60_000 });

export const useAlarms = () =>
  useQuery({ queryKey: keys.alarms, queryFn: activeAlarms, refetchInterval: 60_000 });

export const useLampDetail = (id: string) =>
  useQuery({ queryKey: keys.lamp(id), queryFn: () => api.lamp(id), refetchInterval: 5_000 });

/** The last 24 hours of a lamp; disabled until the system's time is known, which may be simulated. */
export const useTelemetry = (id: string, nowMs: () => number, enabled: boolean) =>
  useQuery({
    enabled,
    queryKey: keys.telemetry(id),
    queryFn: () => {
      const to = nowMs();
      const iso = (ms: number) => new Date(ms).toISOString();
      return api.telemetry(id, CHART_ATTRIBUTES, iso(to - DAY_MS), iso(to));
    },
    refetchInterval: 10_000,
  });

/** The state of a command; polls while it is pending, in case the live stream is down. */
export const useCommand = (id: string | null) =>
  useQuery({
    queryKey: keys.command(id ?? ""),
    queryFn: () => api.command(id ?? ""),
    enabled: id !== null,
    refetchInterval: (query) => (query.state.data?.status === "pending" ? 1_500 : false),
  });

export function useSendCommand() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (command: CommandRequest) => api.sendCommand(command),
    onSuccess: (command) =>
      queries.setQueryData(keys.command(command.id), (known: unknown) => known ?? command),
  });
}

export function useAcknowledge() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: number) => api.acknowledge(id),
    onSuccess: (alarm) =>
      queries.setQueryData<Alarm[]>(keys.alarms, (active) =>
        active?.map((known) => (known.id === alarm.id ? alarm : known)),
      ),
  });
}
