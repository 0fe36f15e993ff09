import type { DeviceStatus, ValueStatus } from "./model";
import type { StatusText } from "./text";

export const isLamp = (device: DeviceStatus) => device.kind === "lamp";

/** The values of a device by their TALQ attribute. */
export function valuesOf(device: DeviceStatus): Record<string, ValueStatus["value"] | undefined> {
  return Object.fromEntries(device.values.map((each) => [each.attribute, each.value]));
}

/** The level in % that a device reports now; undefined where it does not answer or has none. */
export function levelOf(device: DeviceStatus): number | undefined {
  if (device.state !== "responsive") return undefined;
  const { actualLightState, feedbackLightCommand } = valuesOf(device);
  const level = actualLightState ?? feedbackLightCommand;
  return typeof level === "number" ? level : undefined;
}

/** What is wrong with a device, the worst first; null where nothing is. */
export function faultOf(device: DeviceStatus, text: StatusText): string | null {
  const { words } = text;
  const values = valuesOf(device);
  if (device.state === "unresponsive") return words.silent;
  if (values.lampFailure) return words.lampFailure;
  if (values.controlGearFailure) return words.gearFailure;
  if (values.cabinetDoorOpen) return words.value.cabinetDoorOpen;
  if (values.circuitBreakerTripped) return words.value.circuitBreakerTripped;
  return isLamp(device) ? wrongLevelOf(device, values.feedbackLightCommand, text) : null;
}

function wrongLevelOf(
  { targetLevel }: DeviceStatus,
  level: ValueStatus["value"] | undefined,
  text: StatusText,
): string | null {
  if (targetLevel === null || typeof level !== "number" || level === targetLevel) return null;
  return text.words.wrongLevel(text.number(level, 0), targetLevel);
}

export type Filter = "lit" | "faults" | "forced";

/** Which devices a filter keeps. */
export function passes(filter: Filter, device: DeviceStatus, text: StatusText): boolean {
  if (filter === "lit") return (levelOf(device) ?? 0) > 0;
  if (filter === "faults") return faultOf(device, text) !== null;
  return device.override?.active === true;
}

/** `/dev/serial/by-id/usb-…` without its folders. */
export const portName = (port: string) => port.replace(/^\/dev\/(serial\/by-(path|id)\/)?/, "");
