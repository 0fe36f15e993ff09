import type {
  Alarm,
  Area,
  CommandStatus,
  CommandView,
  LampDetail,
  LampState,
  Night,
  Summary,
} from "../api/types";

/** A lamp without faults, lit at 100 % by its program, except for what is given. */
export function lampState(other: Partial<LampState> = {}): LampState {
  return {
    id: "SOR-00001",
    areaId: "32.04.37",
    gatewayId: "soreang-01",
    road: "Jl. Al-Fathu",
    latitude: -7.03,
    longitude: 107.52,
    ratedPower: 90,
    state: "lit",
    actualLightState: 100,
    targetLightCommand: 100,
    feedbackLightCommand: 100,
    reason: "program",
    activePower: 88.2,
    observedAt: "2025-11-24T11:00:00Z",
    alarms: [],
    override: null,
    ...other,
  };
}

export function alarm(other: Partial<Alarm> = {}): Alarm {
  return {
    id: 1,
    lampId: "SOR-00001",
    gatewayId: "soreang-01",
    areaId: "32.04.37",
    type: "lampFailure",
    severity: "critical",
    raisedAt: "2025-11-24T11:00:00Z",
    clearedAt: null,
    acknowledgedAt: null,
    acknowledgedBy: null,
    info: "",
    ...other,
  };
}

export function area(other: Partial<Area> = {}): Area {
  return {
    id: "32.04.37",
    name: "Soreang",
    latitude: -7.03,
    longitude: 107.52,
    total: 10,
    lit: 8,
    off: 0,
    fault: 1,
    unknown: 1,
    totalPower: 0.8,
    ...other,
  };
}

export function lampDetail(other: Partial<LampDetail> = {}): LampDetail {
  return {
    ...lampState(),
    values: [],
    calendar: { id: "always", name: "Every night" },
    program: { id: "astro-default", name: "Astro 50 % 23:00" },
    nextChange: { time: "2025-11-24T16:00:00Z", level: 50 },
    sunset: "2025-11-24T10:50:00Z",
    sunrise: "2025-11-24T22:24:00Z",
    ...other,
  };
}

/** Noon to noon in Soreang, lit from sunset to sunrise and dimmed from 23:00. */
export function nightView(other: Partial<Night> = {}): Night {
  return {
    start: "2025-11-24T05:00:00Z",
    end: "2025-11-25T05:00:00Z",
    sunset: "2025-11-24T10:50:00Z",
    civilDusk: "2025-11-24T11:12:00Z",
    civilDawn: "2025-11-24T22:02:00Z",
    sunrise: "2025-11-24T22:24:00Z",
    planned: [
      { time: "2025-11-24T10:50:00Z", level: 100 },
      { time: "2025-11-24T16:00:00Z", level: 50 },
      { time: "2025-11-24T22:24:00Z", level: 0 },
    ],
    actual: [],
    ...other,
  };
}

export function summary(other: Partial<Summary> = {}): Summary {
  return {
    time: "2025-11-24T12:00:00Z",
    speed: 1,
    timeZone: "Asia/Jakarta",
    total: 10,
    lit: 8,
    off: 0,
    fault: 1,
    unknown: 1,
    gateways: { total: 3, offline: 1 },
    totalPower: 31.62,
    expectedPower: 33,
    center: null,
    bounds: null,
    ingestOnline: true,
    dataAsOf: "2025-11-24T12:00:00Z",
    ...other,
  };
}

export function commandView(status: CommandStatus, detail = ""): CommandView {
  const level = status === "confirmed" ? 40 : null;
  return {
    id: "c",
    createdAt: "2025-11-24T12:00:00Z",
    requestedBy: "operator",
    note: "",
    level: 40,
    expiration: null,
    deadline: "2025-11-24T12:00:30Z",
    status,
    results: [{ lampId: "SOR-00001", status, level, detail, time: null }],
  };
}
