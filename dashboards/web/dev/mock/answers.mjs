import { randomUUID } from "node:crypto";
import { iso } from "./world.mjs";

/** @typedef {import("./world.mjs").World} World */

/** @param {World} world */
export function summary(world) {
  const counts = world.counts(world.lamps.values());
  const rated = [...world.lamps.values()].reduce((sum, lamp) => sum + lamp.ratedPower, 0) / 1000;
  const gateways = new Set([...world.lamps.values()].map((lamp) => lamp.gatewayId)).size;
  return {
    time: iso(world.now()),
    speed: world.speed,
    timeZone: "Asia/Jakarta",
    ...counts,
    gateways: { total: gateways, offline: 1 },
    expectedPower: (rated * world.plannedLevel()) / 100,
    center: [107.52, -7.03],
    bounds: [107.4, -7.1, 107.6, -6.98],
  };
}

/** @param {World} world */
export function areas(world) {
  const items = world.city.areas.map(({ code: _, ...area }) => {
    const own = [...world.lamps.values()].filter((lamp) => lamp.areaId === area.id);
    return { ...area, ...world.counts(own) };
  });
  return { items };
}

/** @param {World} world */
export function roads(world) {
  const features = world.city.roads.map(({ name, areaId, points }) => ({
    type: "Feature",
    properties: { name, areaId },
    geometry: { type: "LineString", coordinates: points },
  }));
  return { type: "FeatureCollection", features };
}

/** @param {World} world @param {string} id */
export function lampDetail(world, id) {
  const lamp = world.lamps.get(id);
  if (!lamp) return null;
  const night = world.night();
  const lit = (lamp.actualLightState ?? 0) > 0;
  const time = lamp.observedAt;
  const value = (
    /** @type {string} */ attribute,
    /** @type {number} */ amount,
    /** @type {string} */ unit,
  ) => ({ attribute, value: amount, unit, time });
  const values = time
    ? [
        value("activePower", lamp.activePower ?? 0, "W"),
        value("supplyVoltage", 228.4, "V"),
        value("supplyCurrent", lit ? (lamp.activePower ?? 0) / 228 : 0, "A"),
        value("powerFactor", 0.96, ""),
        value("temperature", lit ? 46 : 27, "°C"),
        value("activeEnergy", 1834.7, "kWh"),
        value("operatingHours", 20_412, "h"),
        value("switchOnCounter", 1731, ""),
      ]
    : [];
  return {
    ...lamp,
    values,
    program: { id: "astro", name: "Astro 50 % pukul 23" },
    nextChange: lamp.override?.expiration
      ? { time: lamp.override.expiration, level: world.plannedLevel() }
      : world.nextChange(),
    sunset: night.sunset,
    sunrise: night.sunrise,
  };
}

/** @param {World} world @param {string} id @param {URLSearchParams} query */
export function telemetry(world, id, query) {
  const lamp = world.lamps.get(id);
  if (!lamp) return null;
  const from = Date.parse(query.get("from") ?? "");
  const to = Date.parse(query.get("to") ?? "");
  /** @type {[number, number][]} */
  const level = [];
  /** @type {[number, number][]} */
  const power = [];
  for (let ms = from; ms < to; ms += 5 * 60_000) {
    const hour = ((ms + 7 * 3_600_000) / 3_600_000) % 24;
    const now = hour >= 17.83 && hour < 23 ? 100 : hour >= 23 || hour < 5.4 ? 50 : 0;
    level.push([ms, now]);
    power.push([ms, (lamp.ratedPower * now) / 100 + Math.sin(ms / 1e6) * 0.8]);
  }
  return {
    lampId: id,
    from: iso(from),
    to: iso(to),
    series: [
      { attribute: "actualLightState", unit: "%", points: level },
      { attribute: "activePower", unit: "W", points: power },
    ],
  };
}

/** Stores the command and answers for the lamp a moment later. @param {World} world @param {any} body @param {(event: string, data: unknown) => void} publish */
export function command(world, body, publish) {
  const unknown = body.lampIds.find((/** @type {string} */ id) => !world.lamps.has(id));
  if (unknown)
    return {
      status: 404,
      body: {
        type: "about:blank",
        title: "Not found",
        status: 404,
        detail: `lamp ${unknown} is not in the inventory`,
      },
    };
  const now = world.now();
  const view = /** @type {import("../../src/api/types").CommandView} */ ({
    id: randomUUID(),
    createdAt: iso(now),
    requestedBy: "operator",
    note: body.note,
    level: body.level,
    expiration: body.duration ? iso(now + body.duration * 1000) : null,
    deadline: iso(now + 30_000),
    status: "pending",
    results: body.lampIds.map((/** @type {string} */ lampId) => ({
      lampId,
      status: "pending",
      level: null,
      detail: "",
      time: null,
    })),
  });
  world.commands.set(view.id, view);
  setTimeout(() => carryOut(world, view, publish), 900);
  return { status: 202, body: view };
}

/** @param {World} world @param {import("../../src/api/types").CommandView} view @param {(event: string, data: unknown) => void} publish */
function carryOut(world, view, publish) {
  const changed = [];
  for (const result of view.results) {
    const lamp = world.lamps.get(result.lampId);
    if (!lamp) continue;
    const silent = lamp.state === "unknown";
    lamp.override =
      silent || view.level === null
        ? null
        : { commandId: view.id, expiration: view.expiration, note: view.note, requestedBy: view.requestedBy };
    if (view.level !== null) lamp.targetLightCommand = view.level;
    world.observe(lamp);
    changed.push(lamp);
    result.status = silent ? "failed" : "confirmed";
    result.detail = silent ? "no answer on the line" : "";
    result.level = silent ? null : lamp.actualLightState;
    result.time = iso(world.now());
  }
  view.status = view.results.every((result) => result.status === "confirmed") ? "confirmed" : "failed";
  publish("commands", [view]);
  publish("lamps", changed);
}
