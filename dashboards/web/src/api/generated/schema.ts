/** Written by `make generate` from openapi.json: change the server's shapes, not this file. */

/**
 * Which alarms are meant.
 */
export type AlarmState = "active" | "all";
/**
 * How much an assignment is for, the most specific first.
 */
export type Scope = "lamp" | "group" | "area" | "all";
/**
 * The TALQ event types that Lentera raises.
 */
export type EventType =
  | "lampFailure"
  | "lampUnexpectedOn"
  | "dimmingFailure"
  | "cyclingFailure"
  | "controlGearCommFailure"
  | "lampPowerTooHigh"
  | "lampPowerTooLow"
  | "supplyVoltageTooHigh"
  | "supplyVoltageTooLow"
  | "supplyLoss"
  | "cabinetDoorOpen"
  | "circuitBreakerTripped"
  | "switchingErrorOn"
  | "switchingErrorOff"
  | "localOverride"
  | "photocellOutputOn"
  | "communicationFailure"
  | "deviceReset"
  | "lastSyncError";
/**
 * How a lamp stands, in one word.
 */
export type LampCondition = "fault" | "lit" | "off" | "unknown";
/**
 * What someone may do; each role may also do what the roles before it may.
 */
export type Role = "admin" | "operator" | "viewer";

/**
 * Alarms, newest first; `nextCursor` asks for the next page.
 */
export interface AlarmPage {
  items: AlarmView[];
  nextCursor: string | null;
}
/**
 * A condition that holds or held; `lamp_id` is None where the gateway itself has it.
 */
export interface AlarmView {
  id: number;
  lampId: string | null;
  gatewayId: string;
  areaId: string;
  type: string;
  severity: string;
  raisedAt: string;
  clearedAt: string | null;
  acknowledgedAt: string | null;
  acknowledgedBy: string | null;
  info: string;
}
/**
 * Every area, by name.
 */
export interface AreaList {
  items: AreaView[];
}
/**
 * An area with how many of its lamps stand how, and their power in kW.
 */
export interface AreaView {
  id: string;
  name: string;
  latitude: number;
  longitude: number;
  total: number;
  lit: number;
  off: number;
  fault: number;
  unknown: number;
  totalPower: number;
}
/**
 * A calendar for a lamp, a group, an area or all; `id` is null where the scope is all.
 */
export interface AssignmentItem {
  scope: Scope;
  id?: string | null;
  calendarId: string;
}
/**
 * Every assignment; of several groups that a lamp is in, the one that stands first counts.
 */
export interface AssignmentList {
  items: AssignmentView[];
}
/**
 * A calendar for a lamp, a group or an area by its id, or, without id, for everything.
 */
export interface AssignmentView {
  scope: string;
  id: string | null;
  calendarId: string;
}
/**
 * All assignments; of several groups that a lamp is in, the one that stands first counts.
 */
export interface AssignmentsRequest {
  items: AssignmentItem[];
}
/**
 * Active from sunset to sunrise, each moved by whole minutes.
 */
export interface AstroClockActivePeriod {
  name: "AstroClockActivePeriod";
  sunsetOffset: number;
  sunriseOffset: number;
}
/**
 * The newest value of one attribute, by its TALQ name.
 */
export interface AttributeValue {
  attribute: string;
  value: number | boolean | string | null;
  unit: string;
  time: string;
}
/**
 * Readings of a gateway's cabinet from an instant up to another.
 */
export interface CabinetTelemetryView {
  gatewayId: string;
  cabinetId: string;
  from: string;
  to: string;
  series: SeriesView[];
}
/**
 * One attribute over time: points of Unix milliseconds and value, oldest first.
 */
export interface SeriesView {
  attribute: string;
  unit: string;
  points: [number, number | number | boolean | string][];
}
/**
 * A cabinet with every value of its newest reading; `unit` is its meter's Modbus address.
 */
export interface CabinetView {
  id: string;
  line: number;
  unit: number;
  profile: string;
  online: boolean;
  observedAt: string | null;
  alarms: string[];
  values: AttributeValue[];
}
/**
 * Every calendar, the built-in one first.
 */
export interface CalendarList {
  items: TalqCalendar[];
}
/**
 * TALQ's Calendar, and a `name` for people, which TALQ does not have.
 */
export interface TalqCalendar {
  id: string;
  ownerCMS: string;
  name?: string;
  rules: Rule[];
  defaultProgram?: string | null;
}
/**
 * TALQ's CalendarRule: dates are `yyyy-mm-dd`, or `--mm-dd` in every year.
 */
export interface Rule {
  program: string;
  startDate?: string | null;
  endDate?: string | null;
  condition?: DayCondition | null;
}
/**
 * TALQ's ccDay; its `occurrences` in a month are not supported.
 */
export interface DayCondition {
  type: "ccDay";
  days: DayRange[];
  occurrences?: string[];
}
/**
 * A weekday, Monday 1 to Sunday 7, or a range of them.
 */
export interface DayRange {
  start: number;
  end?: number | null;
}
/**
 * Lamps that go from a calendar to another, with the levels of tonight at one of their gateways.
 */
export interface CalendarMove {
  calendarBefore: string;
  calendarAfter: string;
  lamps: number;
  levelsBefore: LevelChange[];
  levelsAfter: LevelChange[];
}
/**
 * A level in % from an instant on.
 */
export interface LevelChange {
  time: string;
  level: number;
}
/**
 * The calendar that chooses a lamp's program of each night.
 */
export interface CalendarName {
  id: string;
  name: string;
}
/**
 * Domain time, how fast it runs, whether readings come in, and when the newest were stored.
 */
export interface ClockView {
  time: string;
  speed: number;
  ingestOnline: boolean;
  dataAsOf: string | null;
}
/**
 * What a control does to the lamp.
 */
export interface CommandBase {
  state: LevelState;
}
/**
 * A dim level.
 */
export interface LevelState {
  name: "LevelState";
  value: number;
}
/**
 * An override for lamps: `level` null ends the one in force, `duration` null lets it hold until ended.
 */
export interface CommandRequest {
  lampIds: string[];
  /**
   * %; null ends the override
   */
  level: number | null;
  /**
   * seconds of domain time
   */
  duration?: number | null;
  note?: string;
}
/**
 * What became of a command on one lamp.
 */
export interface CommandResultView {
  lampId: string;
  status: string;
  level: number | null;
  detail: string;
  time: string | null;
}
/**
 * A command with its results; `status` sums them up.
 */
export interface CommandView {
  id: string;
  createdAt: string;
  requestedBy: string;
  note: string;
  level: number | null;
  expiration: string | null;
  deadline: string;
  status: string;
  results: CommandResultView[];
}
/**
 * The part of TALQ's type that Lentera runs, and a `name` for people, which TALQ does not have.
 */
export interface ControlProgramOne {
  type: "ControlProgramOne";
  id: string;
  ownerCMS: string;
  name?: string;
  activePeriods: AstroClockActivePeriod[];
  fixedTimeControls: FixedTimeControl[];
  astroClockTimeControls?: unknown[];
  dynamicControls?: unknown[];
}
/**
 * A level from a local time on, until the next control; the last one holds over midnight.
 */
export interface FixedTimeControl {
  startTime: string;
  command: CommandBase;
}
/**
 * A username with its password, or a token.
 */
export interface Credentials {
  username?: string | null;
  password?: string | null;
  token?: string | null;
}
/**
 * How many lamps would be dark that are lit by the plan as it is, when they are most.
 */
export interface DarkeningView {
  lamps: number;
  at: string;
}
/**
 * What is wrong with one field of a request.
 */
export interface FieldProblem {
  field: string;
  value: unknown;
  expected: string;
}
/**
 * How many gateways there are, and how many are out of reach.
 */
export interface GatewayCount {
  total: number;
  offline: number;
}
/**
 * A gateway as in lists, and the cabinets on its lines.
 */
export interface GatewayDetail {
  id: string;
  areaId: string;
  latitude: number;
  longitude: number;
  timeZone: string;
  online: boolean;
  since: string | null;
  lamps: number;
  planHash: string | null;
  planWanted: string;
  planInForce: boolean;
  planProblem: string;
  alarms: string[];
  cabinets: CabinetView[];
}
/**
 * Gateways by id; `nextCursor` asks for the next page.
 */
export interface GatewayPage {
  items: GatewaySummary[];
  nextCursor: string | null;
}
/**
 * A gateway in a list; `plan_hash` is what it says it runs, None while it has not said anything.
 *
 *     `plan_in_force` says whether that is the plan that is wanted, `plan_problem` why it refused one.
 */
export interface GatewaySummary {
  id: string;
  areaId: string;
  latitude: number;
  longitude: number;
  online: boolean;
  since: string | null;
  lamps: number;
  planHash: string | null;
  planWanted: string;
  planInForce: boolean;
  planProblem: string;
}
/**
 * Whether a gateway is within reach, and since when.
 */
export interface GatewayView {
  id: string;
  areaId: string;
  online: boolean;
  since: string;
}
/**
 * Every group, by id.
 */
export interface GroupList {
  items: GroupView[];
}
/**
 * Lamps that go together, by id.
 */
export interface GroupView {
  id: string;
  name: string;
  lampIds: string[];
}
/**
 * A group's name and its lamps.
 */
export interface GroupRequest {
  name?: string;
  lampIds: string[];
}
/**
 * An ingester's heartbeat: when readings were last stored, and whether the stores take what it has.
 */
export interface IngestView {
  dataAsOf: string | null;
  storing: boolean;
}
/**
 * A lamp with every value it reports and what it will do next; `program` is tonight's.
 */
export interface LampDetail {
  id: string;
  areaId: string;
  gatewayId: string;
  road: string;
  latitude: number;
  longitude: number;
  ratedPower: number;
  state: LampCondition;
  actualLightState: number | null;
  targetLightCommand: number | null;
  feedbackLightCommand: number | null;
  reason: string | null;
  activePower: number | null;
  observedAt: string | null;
  alarms: string[];
  override: OverrideView | null;
  values: AttributeValue[];
  calendar: CalendarName;
  program: ProgramName;
  nextChange: LevelChange | null;
  sunset: string | null;
  sunrise: string | null;
}
/**
 * The override in force on a lamp.
 */
export interface OverrideView {
  commandId: string;
  expiration: string | null;
  note: string;
  requestedBy: string;
}
/**
 * The lighting program a lamp follows.
 */
export interface ProgramName {
  id: string;
  name: string;
}
/**
 * Lamps by id; `nextCursor` asks for the next page.
 */
export interface LampPage {
  items: LampView[];
  nextCursor: string | null;
}
/**
 * A lamp with its newest reading; W and %.
 */
export interface LampView {
  id: string;
  areaId: string;
  gatewayId: string;
  road: string;
  latitude: number;
  longitude: number;
  ratedPower: number;
  state: LampCondition;
  actualLightState: number | null;
  targetLightCommand: number | null;
  feedbackLightCommand: number | null;
  reason: string | null;
  activePower: number | null;
  observedAt: string | null;
  alarms: string[];
  override: OverrideView | null;
}
/**
 * GeoJSON line of [longitude, latitude].
 */
export interface LineString {
  coordinates: [number, number][];
  type?: "LineString";
}
/**
 * One message on the live topic: whatever changed since the one before.
 */
export interface LiveUpdate {
  lamps?: LampView[];
  alarms?: AlarmView[];
  commands?: CommandView[];
  gateways?: GatewayView[];
  ingest?: IngestView | null;
}
/**
 * A night from local noon to local noon; `actual` is the mean of a sample of lamps.
 */
export interface NightView {
  start: string;
  end: string;
  sunset: string | null;
  sunrise: string | null;
  civilDusk: string | null;
  civilDawn: string | null;
  planned: LevelChange[];
  actual: LevelChange[];
}
/**
 * What a change would do: energy in kWh from noon to noon tonight, by rated power and level.
 */
export interface PlanPreview {
  lamps: number;
  lampsReassigned: number;
  lampsAffected: number;
  moves: CalendarMove[];
  expectedEnergyBefore: number;
  expectedEnergyAfter: number;
  darkening: DarkeningView | null;
  needsConfirmation: boolean;
}
/**
 * The body of every answer that is an error.
 */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: FieldProblem[];
}
/**
 * Every lighting program, the built-in one first.
 */
export interface ProgramList {
  items: ControlProgramOne[];
}
/**
 * GeoJSON of every road.
 */
export interface RoadCollection {
  features: RoadFeature[];
  type?: "FeatureCollection";
}
/**
 * GeoJSON feature of one road.
 */
export interface RoadFeature {
  geometry: LineString;
  properties: RoadProperties;
  type?: "Feature";
}
/**
 * What a road is called and where it belongs.
 */
export interface RoadProperties {
  name: string;
  areaId: string;
}
/**
 * Who is logged in.
 */
export interface SessionView {
  username: string;
  role: Role;
}
/**
 * The whole place at a glance; power in kW, `center` and `bounds` in degrees, longitude first.
 *
 *     While `ingest_online` is false, all this is as of `data_as_of`.
 */
export interface Summary {
  time: string;
  speed: number;
  timeZone: string;
  total: number;
  lit: number;
  off: number;
  fault: number;
  unknown: number;
  gateways: GatewayCount;
  totalPower: number;
  expectedPower: number;
  center: [number, number] | null;
  bounds: [number, number, number, number] | null;
  ingestOnline: boolean;
  dataAsOf: string | null;
}
/**
 * Readings of a lamp from an instant up to another.
 */
export interface TelemetryView {
  lampId: string;
  from: string;
  to: string;
  series: SeriesView[];
}
