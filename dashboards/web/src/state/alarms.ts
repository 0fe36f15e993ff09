import type { Alarm, Severity } from "../api/types";

const RANK: Record<Severity, number> = { critical: 0, major: 1, minor: 2, info: 3 };

/** The active alarms after `changes`: cleared ones leave, known ones are replaced, new ones join. */
export function mergeAlarms(active: readonly Alarm[], changes: readonly Alarm[]): Alarm[] {
  const byId = new Map(active.map((alarm) => [alarm.id, alarm]));
  for (const change of changes) {
    if (change.clearedAt) byId.delete(change.id);
    else byId.set(change.id, change);
  }
  return [...byId.values()];
}

/** One device with all that is wrong with it, the worst first. */
export interface FaultGroup {
  deviceId: string;
  lampId: string | null;
  gatewayId: string | null;
  areaId: string | null;
  worst: Alarm;
  alarms: Alarm[];
}

const severity = (a: Alarm, b: Alarm) =>
  RANK[a.severity] - RANK[b.severity] || b.raisedAt.localeCompare(a.raisedAt);

/** Alarms by device: open before acknowledged, worst first, then newest. */
export function groupFaults(alarms: readonly Alarm[], areaId: string | null): FaultGroup[] {
  const byDevice = new Map<string, Alarm[]>();
  for (const alarm of alarms) {
    if (alarm.severity === "info" || (areaId && alarm.areaId !== areaId)) continue;
    const device = alarm.lampId ?? alarm.gatewayId ?? String(alarm.id);
    byDevice.set(device, [...(byDevice.get(device) ?? []), alarm]);
  }
  const groups = [...byDevice].map(([deviceId, own]) => toGroup(deviceId, own.sort(severity)));
  return groups.sort(
    (a, b) => Number(acknowledged(a)) - Number(acknowledged(b)) || severity(a.worst, b.worst),
  );
}

/** How many lamps have a fault, also those that are out of reach by now. */
export const faultyLamps = (alarms: readonly Alarm[]) =>
  groupFaults(alarms, null).filter((group) => group.lampId !== null).length;

export const acknowledged = (group: FaultGroup) =>
  group.alarms.every((alarm) => alarm.acknowledgedAt !== null);

function toGroup(deviceId: string, alarms: Alarm[]): FaultGroup {
  const worst = alarms[0] as Alarm;
  return {
    deviceId,
    lampId: worst.lampId,
    gatewayId: worst.gatewayId,
    areaId: worst.areaId,
    worst,
    alarms,
  };
}
