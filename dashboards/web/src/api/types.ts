/** Short names for the shapes of `/api/v1`, which are generated from the server's OpenAPI description. */
import type { components } from "./generated/schema";

type Schemas = components["schemas"];

export type {
  Alarm,
  AlarmPage,
  CommandResult,
  CommandStatus,
  CommandView,
  LampDetail,
  LampPage,
  LampState,
  Severity,
} from "./narrow";

export type Area = Schemas["AreaView"];
export type AreaList = Schemas["AreaList"];
export type AttributeValue = Schemas["AttributeValue"];
/** Events of the clock have all of it, a summary the time and its speed. */
export type Clock = Pick<Schemas["ClockView"], "time" | "speed"> & Partial<Schemas["ClockView"]>;
export type CommandRequest = Schemas["CommandRequest"];
export type Credentials = Schemas["Credentials"];
export type LevelPoint = Schemas["LevelChange"];
export type Night = Schemas["NightView"];
export type Problem = Schemas["ProblemDetails"];
export type Roads = GeoJSON.FeatureCollection<GeoJSON.LineString, Schemas["RoadProperties"]>;
export type Session = Schemas["SessionView"];
export type Summary = Schemas["Summary"];
export type Telemetry = Schemas["TelemetryView"];
