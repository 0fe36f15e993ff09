import type { DeviceStatus, GatewayStatus, LineStatus, ValueStatus } from "../status/model";

const value = (attribute: string, of: ValueStatus["value"], unit = ""): ValueStatus => ({
  attribute,
  value: of,
  unit,
});

/** A lamp of the status page, lit at 100 %; `values` are added to what it measures. */
export function lampStatus(
  id: string,
  other: Partial<DeviceStatus> = {},
  values: Record<string, ValueStatus["value"]> = {},
): DeviceStatus {
  const level = values.actualLightState ?? 100;
  return {
    id,
    kind: "lamp",
    unit: 7,
    line: "/dev/serial/by-id/usb-ftdi",
    profile: "lentera/lamp-v2",
    state: "responsive",
    failures: 0,
    lastAnswer: "2025-11-24T12:00:00Z",
    ageSeconds: 4.2,
    targetLevel: 100,
    reason: "program",
    until: "2025-11-24T16:00:00Z",
    override: null,
    values: [
      value("actualLightState", level, "%"),
      value("supplyVoltage", 229.6, "V"),
      value("activePower", 88.24, "W"),
      ...Object.entries(values)
        .filter(([name]) => name !== "actualLightState")
        .map(([name, each]) => value(name, each)),
    ],
    ...other,
  };
}

export function cabinetStatus(values: ValueStatus[] = [], other: Partial<DeviceStatus> = {}): DeviceStatus {
  return {
    ...lampStatus("PJU-01"),
    kind: "cabinet",
    targetLevel: null,
    reason: null,
    until: null,
    values,
    ...other,
  };
}

export function lineStatus(other: Partial<LineStatus> = {}): LineStatus {
  return {
    port: "/dev/serial/by-id/usb-ftdi",
    up: true,
    problem: null,
    devices: 2,
    silent: 0,
    counters: { requests: 12_345, answers: 12_001, corrupt: 0, late: 0, foreign: 0, refused: 0 },
    ...other,
  };
}

/** A gateway with nothing wrong. */
export function gatewayStatus(other: Partial<GatewayStatus> = {}): GatewayStatus {
  return {
    id: "soreang-01",
    area: "32.04.37",
    clock: { time: "2025-11-24T12:00:05Z", timeZone: "Asia/Jakarta", trusted: true },
    plan: { hash: "a1b2c3d4e5f6", problem: "", nextChange: "2025-11-24T16:00:00Z", nextLevel: 50 },
    uplink: { state: "online", problem: null, inFlight: 0 },
    outbox: { depth: 0, sizeBytes: 40_960, decimated: 0, failing: false },
    lines: [lineStatus()],
    lamps: 2,
    silent: 0,
    devices: [lampStatus("SOR-00001"), lampStatus("SOR-00002")],
    ...other,
  };
}
