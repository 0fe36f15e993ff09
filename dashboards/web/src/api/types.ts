/** What the map calls the shapes of `/api/v1`, with the words its open texts are known to hold. */

import type * as shape from "./generated/schema";

type Narrow<Whole, Part extends { [Key in keyof Part]: Key extends keyof Whole ? Whole[Key] : never }> = Omit<
  Whole,
  keyof Part
> &
  Part;

export type Reason = "default" | "override" | "sensor" | "program";
export type Severity = "critical" | "major" | "minor" | "info";
export type CommandStatus = "pending" | "confirmed" | "failed" | "partial" | "expired";

export type LampState = Narrow<shape.LampView, { reason: Reason | null }>;
export type LampDetail = Narrow<shape.LampDetail, { reason: Reason | null }>;
export type LampPage = Narrow<shape.LampPage, { items: LampState[] }>;
export type Alarm = Narrow<shape.AlarmView, { severity: Severity }>;
export type AlarmPage = Narrow<shape.AlarmPage, { items: Alarm[] }>;
export type CommandResult = Narrow<shape.CommandResultView, { status: CommandStatus }>;
export type CommandView = Narrow<shape.CommandView, { status: CommandStatus; results: CommandResult[] }>;
/** `ingestOnline` is false while no readings come in; `dataAsOf` is the newest that did. */
export type Clock = Pick<shape.ClockView, "time" | "speed"> & {
  ingestOnline?: boolean;
  dataAsOf?: string | null;
};
export type Roads = GeoJSON.FeatureCollection<GeoJSON.LineString, shape.RoadProperties>;

export type {
  AreaList,
  AreaView as Area,
  AttributeValue,
  CommandRequest,
  Credentials,
  LevelChange as LevelPoint,
  NightView as Night,
  ProblemDetails as Problem,
  Role,
  SessionView as Session,
  Summary,
  TelemetryView as Telemetry,
} from "./generated/schema";
