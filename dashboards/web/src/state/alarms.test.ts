import { describe, expect, it } from "vitest";
import { alarm } from "../testing/lamps";
import { faultyLamps, groupFaults, mergeAlarms } from "./alarms";

describe("mergeAlarms", () => {
  it("lets cleared ones go, replaces known ones and adds new ones", () => {
    const active = [alarm({ id: 1 }), alarm({ id: 2 })];
    const merged = mergeAlarms(active, [
      alarm({ id: 1, clearedAt: "2025-11-24T12:00:00Z" }),
      alarm({ id: 2, acknowledgedBy: "ani" }),
      alarm({ id: 3 }),
    ]);
    expect(merged.map(({ id, acknowledgedBy }) => [id, acknowledgedBy])).toEqual([
      [2, "ani"],
      [3, null],
    ]);
  });
});

describe("groupFaults", () => {
  it("gives each device one row, the worst fault first", () => {
    const groups = groupFaults(
      [
        alarm({ id: 1, lampId: "B", type: "dimmingFailure", severity: "major" }),
        alarm({ id: 2, lampId: "A", severity: "critical" }),
        alarm({ id: 3, lampId: "A", type: "lampPowerTooLow", severity: "minor" }),
      ],
      null,
    );
    expect(groups.map((group) => [group.deviceId, group.worst.id, group.alarms.length])).toEqual([
      ["A", 2, 2],
      ["B", 1, 1],
    ]);
  });

  it("names a gateway that has no lamp, leaves out events for the record, keeps to the area", () => {
    const alarms = [
      alarm({
        id: 1,
        lampId: null,
        gatewayId: "soreang-02",
        type: "communicationFailure",
        severity: "major",
      }),
      alarm({ id: 2, type: "deviceReset", severity: "info" }),
      alarm({ id: 3, lampId: "C", areaId: "32.04.11" }),
    ];
    expect(groupFaults(alarms, "32.04.37").map((group) => group.deviceId)).toEqual(["soreang-02"]);
  });

  it("puts what is acknowledged last", () => {
    const groups = groupFaults(
      [
        alarm({ id: 1, lampId: "A", acknowledgedAt: "2025-11-24T12:00:00Z" }),
        alarm({ id: 2, lampId: "B", severity: "minor" }),
      ],
      null,
    );
    expect(groups.map((group) => group.deviceId)).toEqual(["B", "A"]);
  });
});

it("counts lamps, not alarms and not gateways", () => {
  const alarms = [
    alarm({ id: 1, lampId: "A" }),
    alarm({ id: 2, lampId: "A", severity: "minor" }),
    alarm({ id: 3, lampId: null }),
  ];
  expect(faultyLamps(alarms)).toBe(1);
});
