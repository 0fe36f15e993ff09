import { buildCity } from "./city.mjs";
import { seeded } from "./random.mjs";

/** @typedef {import("../../src/api/types").LampState} LampState */
/** @typedef {import("../../src/api/types").Alarm} Alarm */
/** @typedef {import("../../src/api/types").CommandView} CommandView */

const HOUR = 3_600_000;
const ZONE_OFFSET = 7 * HOUR;
export const iso = (/** @type {number} */ ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

/** A small world that behaves plausibly enough to look at: plan, ramps, faults, commands. */
export class World {
  /** @param {{ lamps: number, speed: number, start: number }} options */
  constructor({ lamps, speed, start }) {
    this.speed = speed;
    this.start = start;
    this.wallStart = Date.now();
    this.random = seeded(7);
    this.city = buildCity(lamps, 1);
    /** @type {Map<string, LampState>} */
    this.lamps = new Map();
    /** @type {Map<number, Alarm>} */
    this.alarms = new Map();
    /** @type {Map<string, CommandView>} */
    this.commands = new Map();
    this.nextAlarm = 1;
    this.offlineGateway = this.city.lamps[this.city.lamps.length - 1]?.gatewayId ?? "";
    for (const lamp of this.city.lamps) this.lamps.set(lamp.id, this.born(lamp));
    for (const lamp of this.lamps.values()) this.observe(lamp);
    this.breakSome();
  }

  now() {
    return this.start + (Date.now() - this.wallStart) * this.speed;
  }

  noon() {
    const day = 24 * HOUR;
    return Math.floor((this.now() + ZONE_OFFSET - 12 * HOUR) / day) * day + 12 * HOUR - ZONE_OFFSET;
  }

  night() {
    const start = this.noon();
    const at = (/** @type {number} */ hour) => start + (hour - 12) * HOUR;
    const sunset = at(17.83);
    const sunrise = at(29.4);
    const planned = [
      { time: iso(start), level: 0 },
      { time: iso(sunset), level: 100 },
      { time: iso(at(23)), level: 50 },
      { time: iso(sunrise), level: 0 },
    ];
    return {
      start: iso(start),
      end: iso(start + 24 * HOUR),
      sunset: iso(sunset),
      sunrise: iso(sunrise),
      civilDusk: iso(sunset + 0.37 * HOUR),
      civilDawn: iso(sunrise - 0.37 * HOUR),
      planned,
    };
  }

  plannedLevel() {
    const now = this.now();
    return this.night().planned.reduce(
      (level, point) => (Date.parse(point.time) <= now ? point.level : level),
      0,
    );
  }

  nextChange() {
    const now = this.now();
    return this.night().planned.find((point) => Date.parse(point.time) > now) ?? null;
  }

  /** @param {import("./city.mjs").MockLamp} lamp @returns {LampState} */
  born(lamp) {
    return {
      ...lamp,
      state: "unknown",
      actualLightState: null,
      targetLightCommand: null,
      feedbackLightCommand: null,
      reason: null,
      activePower: null,
      observedAt: null,
      alarms: [],
      override: null,
    };
  }

  /** @param {LampState} lamp */
  observe(lamp) {
    if (lamp.gatewayId === this.offlineGateway) return;
    const override = lamp.override;
    if (override?.expiration && Date.parse(override.expiration) < this.now()) lamp.override = null;
    const target = lamp.override ? (lamp.targetLightCommand ?? 0) : this.plannedLevel();
    const dead = lamp.alarms.includes("lampFailure");
    const stuck = lamp.alarms.includes("lampUnexpectedOn");
    lamp.targetLightCommand = target;
    lamp.feedbackLightCommand = target;
    lamp.actualLightState = dead ? 0 : stuck ? 100 : target;
    lamp.reason = lamp.override ? "override" : "program";
    lamp.activePower = dead
      ? 0.4
      : Math.round(lamp.ratedPower * (lamp.actualLightState / 100) * (0.97 + this.random() * 0.05) * 10) / 10;
    lamp.observedAt = iso(this.now());
    lamp.state = lamp.alarms.length > 0 ? "fault" : lamp.actualLightState > 0 ? "lit" : "off";
  }

  breakSome() {
    /** @type {Alarm["type"][]} */
    const types = [
      "lampFailure",
      "lampFailure",
      "lampUnexpectedOn",
      "dimmingFailure",
      "cyclingFailure",
      "supplyVoltageTooLow",
    ];
    const ids = [...this.lamps.keys()];
    for (let index = 0; index < Math.max(5, ids.length / 180); index++) {
      const lamp = this.lamps.get(ids[Math.floor(this.random() * ids.length)] ?? "");
      const type = types[index % types.length] ?? "lampFailure";
      if (lamp && lamp.state !== "unknown")
        this.raise(lamp, type, this.noon() + this.random() * (this.now() - this.noon()));
    }
    this.raiseGateway();
  }

  /** @param {LampState} lamp @param {Alarm["type"]} type @param {number} at @returns {Alarm} */
  raise(lamp, type, at) {
    lamp.alarms = [...lamp.alarms, type];
    const severity =
      type === "lampFailure" ? "critical" : type.startsWith("supplyVoltage") ? "minor" : "major";
    const alarm = /** @type {Alarm} */ ({
      id: this.nextAlarm++,
      lampId: lamp.id,
      gatewayId: lamp.gatewayId,
      areaId: lamp.areaId,
      type,
      severity,
      raisedAt: iso(at),
      clearedAt: null,
      acknowledgedAt: null,
      acknowledgedBy: null,
      info: "",
    });
    this.alarms.set(alarm.id, alarm);
    this.observe(lamp);
    return alarm;
  }

  raiseGateway() {
    const area = this.city.lamps.find((lamp) => lamp.gatewayId === this.offlineGateway)?.areaId ?? null;
    const alarm = /** @type {Alarm} */ ({
      id: this.nextAlarm++,
      lampId: null,
      gatewayId: this.offlineGateway,
      areaId: area,
      type: "communicationFailure",
      severity: "major",
      raisedAt: iso(this.now() - HOUR / 2),
      clearedAt: null,
      acknowledgedAt: null,
      acknowledgedBy: null,
      info: "",
    });
    this.alarms.set(alarm.id, alarm);
  }

  counts(/** @type {Iterable<LampState>} */ lamps) {
    const counts = { total: 0, lit: 0, off: 0, fault: 0, unknown: 0, totalPower: 0 };
    for (const lamp of lamps) {
      counts.total++;
      counts[lamp.state]++;
      counts.totalPower += (lamp.activePower ?? 0) / 1000;
    }
    return counts;
  }
}
