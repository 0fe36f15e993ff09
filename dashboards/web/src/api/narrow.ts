/**
 * Views whose enumerations the OpenAPI description still calls plain strings. Delete this file, and point `types.ts`
 * at the generated shapes, once the server states them.
 */
import type { components } from "./generated/schema";

type Schemas = components["schemas"];

/** `Whole` with some of its fields narrowed, which they really must be. */
type Narrow<Whole, Part extends { [Key in keyof Part]: Key extends keyof Whole ? Whole[Key] : never }> = Omit<
  Whole,
  keyof Part
> &
  Part;

export type Reason = "default" | "override" | "sensor" | "program";
export type Severity = "critical" | "major" | "minor" | "info";
export type CommandStatus = "pending" | "confirmed" | "failed" | "partial" | "expired";

export type LampState = Narrow<Schemas["LampView"], { reason: Reason | null }>;
export type LampDetail = Narrow<Schemas["LampDetail"], { reason: Reason | null }>;
export type LampPage = Narrow<Schemas["LampPage"], { items: LampState[] }>;
export type Alarm = Narrow<Schemas["AlarmView"], { severity: Severity }>;
export type AlarmPage = Narrow<Schemas["AlarmPage"], { items: Alarm[] }>;
export type CommandResult = Narrow<Schemas["CommandResultView"], { status: CommandStatus }>;
export type CommandView = Narrow<Schemas["CommandView"], { status: CommandStatus; results: CommandResult[] }>;
