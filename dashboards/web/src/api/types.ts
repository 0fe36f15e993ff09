/** The HTTP shapes of `/api/v1`. Times are ISO-8601 UTC, levels 0–100 %, lamp power W, network power kW. */

export type LampStateKind = "lit" | "off" | "fault" | "unknown";
export type Reason = "default" | "override" | "sensor" | "program";
export type Severity = "critical" | "major" | "minor" | "info";
export type CommandStatus = "pending" | "confirmed" | "failed" | "partial" | "expired";
export type Role = "viewer" | "operator" | "admin";

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

export interface LampOverride {
  commandId: string;
  expiration: string | null;
  note: string;
  requestedBy: string;
}

export interface LampState {
  id: string;
  areaId: string;
  gatewayId: string;
  road: string;
  latitude: number;
  longitude: number;
  ratedPower: number;
  state: LampStateKind;
  level: number | null;
  targetLevel: number | null;
  feedbackLevel: number | null;
  reason: Reason | null;
  activePower: number | null;
  observedAt: string | null;
  alarms: string[];
  override: LampOverride | null;
}

export interface AttributeValue {
  attribute: string;
  value: number | boolean | string | null;
  unit: string;
  time: string | null;
}

export interface LampDetail extends LampState {
  values: AttributeValue[];
  program: { id: string; name: string } | null;
  nextChange: { time: string; level: number } | null;
  sunset: string | null;
  sunrise: string | null;
}

export interface Series {
  attribute: string;
  unit: string;
  points: [number, number | null][];
}

export interface Telemetry {
  lampId: string;
  from: string;
  to: string;
  series: Series[];
}

export interface CommandRequest {
  lampIds: string[];
  /** `null` ends the override in force. */
  level: number | null;
  /** Seconds; `null` has no end. */
  duration: number | null;
  note: string;
}

export interface CommandResult {
  lampId: string;
  status: CommandStatus;
  level: number | null;
  detail: string;
  time: string | null;
}

export interface CommandView {
  id: string;
  createdAt: string;
  requestedBy: string;
  note: string;
  level: number | null;
  expiration: string | null;
  deadline: string;
  status: CommandStatus;
  results: CommandResult[];
}

export interface Alarm {
  id: number;
  lampId: string | null;
  gatewayId: string | null;
  areaId: string | null;
  type: string;
  severity: Severity;
  raisedAt: string;
  clearedAt: string | null;
  acknowledgedAt: string | null;
  acknowledgedBy: string | null;
  info: string | null;
}

export interface Area {
  id: string;
  name: string;
  latitude: number;
  longitude: number;
  total: number;
  lit: number;
  off: number;
  fault: number;
  unknown: number;
  activePower: number | null;
}

export type Roads = GeoJSON.FeatureCollection<GeoJSON.LineString, { name: string; areaId: string }>;

export interface Summary {
  time: string;
  speed: number;
  timeZone: string;
  total: number;
  lit: number;
  off: number;
  fault: number;
  unknown: number;
  gateways: { total: number; offline: number };
  activePower: number | null;
  expectedPower: number | null;
  center: [number, number] | null;
  bounds: [number, number, number, number] | null;
}

export interface LevelPoint {
  time: string;
  level: number;
}

export interface Night {
  start: string;
  end: string;
  sunset: string | null;
  sunrise: string | null;
  civilDusk: string | null;
  civilDawn: string | null;
  planned: LevelPoint[];
  actual?: LevelPoint[] | null;
}

export interface Clock {
  time: string;
  speed: number;
}

export interface Session {
  username: string;
  role: Role;
}

export type Credentials = { username: string; password: string } | { token: string };

export interface FieldError {
  field: string;
  value?: unknown;
  expected?: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  errors?: FieldError[];
}
