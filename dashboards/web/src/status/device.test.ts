import { describe, expect, it } from "vitest";
import { cabinetStatus, lampStatus } from "../testing/status";
import { faultOf, levelOf, passes, portName } from "./device";
import { StatusText } from "./text";

const text = new StatusText("en");

describe("faultOf", () => {
  it.each([
    ["nothing", lampStatus("A"), null],
    [
      "a silent lamp, whatever it said last",
      lampStatus("A", { state: "unresponsive" }, { lampFailure: true }),
      "Does not answer",
    ],
    ["a dead lamp", lampStatus("A", {}, { lampFailure: true, controlGearFailure: true }), "Lamp is dead"],
    ["a broken driver", lampStatus("A", {}, { controlGearFailure: true }), "Driver is broken"],
    ["another level", lampStatus("A", {}, { feedbackLightCommand: 40 }), "Reports 40 %, should be 100 %"],
    ["its own level", lampStatus("A", {}, { feedbackLightCommand: 100 }), null],
    ["a level without a target", lampStatus("A", { targetLevel: null }, { feedbackLightCommand: 40 }), null],
  ])("%s", (_, device, expected) => {
    expect(faultOf(device, text)).toBe(expected);
  });

  it("finds an open door and a tripped breaker, and no wrong level of a cabinet", () => {
    const of = (attribute: string) => cabinetStatus([{ attribute, value: true, unit: "" }]);
    expect(faultOf(of("cabinetDoorOpen"), text)).toBe("Door open");
    expect(faultOf(of("circuitBreakerTripped"), text)).toBe("Breaker tripped");
    const level = { attribute: "feedbackLightCommand", value: 0, unit: "%" };
    expect(faultOf(cabinetStatus([level], { targetLevel: 100 }), text)).toBeNull();
  });
});

describe("levelOf", () => {
  it("is the measured level, or the one in effect where none is measured", () => {
    expect(levelOf(lampStatus("A", {}, { actualLightState: 40, feedbackLightCommand: 50 }))).toBe(40);
    const values = [{ attribute: "feedbackLightCommand", value: 50, unit: "%" }];
    expect(levelOf(lampStatus("A", { values }))).toBe(50);
  });

  it("is unknown for a device that does not answer or was not polled yet", () => {
    expect(levelOf(lampStatus("A", { state: "unresponsive" }))).toBeUndefined();
    expect(levelOf(lampStatus("A", { state: "not_polled" }))).toBeUndefined();
    expect(levelOf(lampStatus("A", { values: [] }))).toBeUndefined();
  });
});

describe("passes", () => {
  const override = { level: 30, start: "x", expiration: null, active: true };

  it("keeps lit lamps, faults and overrides that are in force", () => {
    const off = lampStatus("A", { targetLevel: 0 }, { actualLightState: 0 });
    expect([passes("lit", lampStatus("A"), text), passes("lit", off, text)]).toEqual([true, false]);
    expect(passes("faults", lampStatus("A", { state: "unresponsive" }), text)).toBe(true);
    expect(passes("faults", lampStatus("A"), text)).toBe(false);
    expect(passes("forced", lampStatus("A", { override }), text)).toBe(true);
    expect(passes("forced", lampStatus("A", { override: { ...override, active: false } }), text)).toBe(false);
    expect(passes("forced", lampStatus("A"), text)).toBe(false);
  });
});

it("a port is named without its folders", () => {
  expect(portName("/dev/serial/by-id/usb-ftdi")).toBe("usb-ftdi");
  expect(portName("/dev/ttyUSB0")).toBe("ttyUSB0");
  expect(portName("tcp://10.0.0.2:502")).toBe("tcp://10.0.0.2:502");
});
