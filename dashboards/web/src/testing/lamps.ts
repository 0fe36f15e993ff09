import type { Alarm, LampState } from "../api/types";

/** A lamp for tests: sound, lit at 100 % by its program, but for what is said otherwise. */
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
