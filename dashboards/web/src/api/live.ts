import type { Alarm, Clock, CommandView, LampState } from "./types";

export interface LiveHandlers {
  lamps: (lamps: LampState[]) => void;
  alarms: (alarms: Alarm[]) => void;
  commands: (commands: CommandView[]) => void;
  gateways: () => void;
  clock: (clock: Clock) => void;
  /** `again` is true when the stream came back: what was missed has to be fetched. */
  connected: (again: boolean) => void;
  lost: () => void;
}

const SILENCE_MS = 12_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 15_000;

/** The live stream. Opens itself again after errors and after silence; `stop` ends it. */
export function openLive(handlers: LiveHandlers): { stop: () => void } {
  let source: EventSource | null = null;
  let stopped = false;
  let seen = false;
  let retryMs = FIRST_RETRY_MS;
  let retry = 0;
  let watchdog = 0;

  const alive = () => {
    window.clearTimeout(watchdog);
    watchdog = window.setTimeout(reopen, SILENCE_MS);
  };
  const on = <T>(name: string, handle: (data: T) => void) => {
    source?.addEventListener(name, (event) => {
      alive();
      handle(JSON.parse((event as MessageEvent<string>).data) as T);
    });
  };
  const reopen = () => {
    if (stopped) return;
    source?.close();
    window.clearTimeout(watchdog);
    handlers.lost();
    retry = window.setTimeout(open, retryMs);
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  };
  const open = () => {
    source = new EventSource("/api/v1/live");
    source.onopen = () => {
      retryMs = FIRST_RETRY_MS;
      alive();
      handlers.connected(seen);
      seen = true;
    };
    source.onerror = reopen;
    on("lamps", handlers.lamps);
    on("alarms", handlers.alarms);
    on("commands", handlers.commands);
    on("gateways", handlers.gateways);
    on("clock", handlers.clock);
    alive();
  };
  open();
  return {
    stop: () => {
      stopped = true;
      window.clearTimeout(retry);
      window.clearTimeout(watchdog);
      source?.close();
    },
  };
}
