/** `status.json` of a gateway, which `edge/status/model.py` describes. Times are UTC. */

export interface OverrideStatus {
  level: number;
  start: string;
  /** null: until it is ended. */
  expiration: string | null;
  active: boolean;
}

export interface ValueStatus {
  attribute: string;
  value: number | boolean | string;
  unit: string;
}

export interface DeviceStatus {
  id: string;
  kind: string;
  unit: number;
  line: string;
  profile: string;
  /** "responsive", "unresponsive", or "unknown" before the first poll. */
  state: string;
  failures: number;
  lastAnswer: string | null;
  ageSeconds: number | null;
  targetLevel: number | null;
  reason: string | null;
  until: string | null;
  override: OverrideStatus | null;
  values: ValueStatus[];
}

export interface LineStatus {
  port: string;
  up: boolean;
  problem: string | null;
  devices: number;
  silent: number;
  counters: Record<"requests" | "answers" | "corrupt" | "late" | "foreign" | "refused", number>;
}

export interface GatewayStatus {
  id: string;
  area: string;
  clock: { time: string; timeZone: string; trusted: boolean };
  plan: { hash: string; problem: string; nextChange: string | null; nextLevel: number | null };
  uplink: { state: string; problem: string | null; inFlight: number };
  outbox: { depth: number; sizeBytes: number; decimated: number; failing: boolean };
  lines: LineStatus[];
  lamps: number;
  silent: number;
  devices: DeviceStatus[];
}

export interface ProcessStatus {
  gateways: GatewayStatus[];
}
