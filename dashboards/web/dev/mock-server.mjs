/**
 * A mock of the API for work on the dashboard: `npm run mock`, then `npm run dev`.
 * Never part of the bundle. PORT, LAMPS, SPEED, START (ISO time) and DIST (a folder to serve) are read from the environment.
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { areas, command, lampDetail, roads, summary, telemetry } from "./mock/answers.mjs";
import { iso, World } from "./mock/world.mjs";

const {
  PORT = "8790",
  LAMPS = "4129",
  SPEED = "60",
  START = "2025-11-24T10:40:00Z",
  DIST = "",
} = process.env;
const world = new World({ lamps: Number(LAMPS), speed: Number(SPEED), start: Date.parse(START) });
/** @type {Set<import("node:http").ServerResponse>} */
const streams = new Set();

/** @param {string} event @param {unknown} data */
function publish(event, data) {
  const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  for (const stream of streams) stream.write(text);
}

/** @param {import("node:http").ServerResponse} response @param {number} status @param {unknown} body */
function json(response, status, body) {
  response.writeHead(status, {
    "Content-Type": status >= 400 ? "application/problem+json" : "application/json",
  });
  response.end(status === 204 ? undefined : JSON.stringify(body));
}

/** @param {import("node:http").IncomingMessage} request */
async function bodyOf(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return JSON.parse(text || "{}");
}

/** @param {URLSearchParams} query */
function lampPage(query) {
  const all = [...world.lamps.values()];
  const limit = Number(query.get("limit") ?? 500);
  const from = Number(query.get("cursor") ?? 0);
  const next = from + limit;
  return { items: all.slice(from, next), nextCursor: next < all.length ? String(next) : null };
}

/** @param {URL} url */
function get(url) {
  const path = url.pathname.replace("/api/v1", "");
  const [, collection, id, part] = path.split("/").map(decodeURIComponent);
  if (collection === "summary") return summary(world);
  if (collection === "areas") return areas(world);
  if (collection === "roads") return roads(world);
  if (collection === "night") return world.night();
  if (collection === "alarms")
    return { items: [...world.alarms.values()].filter((alarm) => !alarm.clearedAt), nextCursor: null };
  if (collection === "commands") return world.commands.get(id ?? "") ?? null;
  if (collection === "lamps" && !id) return lampPage(url.searchParams);
  if (collection === "lamps" && part) return telemetry(world, id ?? "", url.searchParams);
  if (collection === "lamps") return lampDetail(world, id ?? "");
  return null;
}

/** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response */
function live(request, response) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  response.write(
    `event: clock\ndata: ${JSON.stringify({ time: iso(world.now()), speed: world.speed, ingestOnline: true, dataAsOf: iso(world.now()) })}\n\n`,
  );
  streams.add(response);
  request.on("close", () => streams.delete(response));
}

/** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response @param {URL} url */
async function api(request, response, url) {
  const path = url.pathname.replace("/api/v1", "");
  const known = (request.headers.cookie ?? "").includes("lentera_session=");
  if (path === "/session" && request.method === "POST") {
    const body = await bodyOf(request);
    if (body.password === "wrong")
      return json(response, 401, { type: "about:blank", title: "Unauthorized", status: 401 });
    response.setHeader("Set-Cookie", "lentera_session=mock; HttpOnly; SameSite=Lax; Path=/");
    return json(response, 200, { username: "operator", role: "operator" });
  }
  if (!known) return json(response, 401, { type: "about:blank", title: "Unauthorized", status: 401 });
  if (path === "/session" && request.method === "DELETE") {
    response.setHeader("Set-Cookie", "lentera_session=; Max-Age=0; Path=/");
    return json(response, 204, null);
  }
  if (path === "/session") return json(response, 200, { username: "operator", role: "operator" });
  if (path === "/live") return live(request, response);
  if (path === "/commands" && request.method === "POST") {
    const answer = command(world, await bodyOf(request), publish);
    return json(response, answer.status, answer.body);
  }
  if (path.endsWith("/acknowledge")) {
    const alarm = world.alarms.get(Number(path.split("/")[2]));
    if (alarm) Object.assign(alarm, { acknowledgedAt: iso(world.now()), acknowledgedBy: "operator" });
    return json(response, alarm ? 200 : 404, alarm);
  }
  const body = get(url);
  return body
    ? json(response, 200, body)
    : json(response, 404, { type: "about:blank", title: "Not found", status: 404, detail: path });
}

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** @param {import("node:http").ServerResponse} response @param {URL} url */
async function file(response, url) {
  const name = normalize(url.pathname).replace(/^\/+/, "") || "index.html";
  try {
    const content = await readFile(join(DIST, name));
    response
      .writeHead(200, { "Content-Type": TYPES[extname(name)] ?? "application/octet-stream" })
      .end(content);
  } catch {
    response.writeHead(404).end();
  }
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const done = url.pathname.startsWith("/api/") ? api(request, response, url) : file(response, url);
  Promise.resolve(done).catch((error) =>
    json(response, 500, { type: "about:blank", title: String(error), status: 500 }),
  );
});
server.listen(Number(PORT), "127.0.0.1", () =>
  process.stdout.write(`mock API on http://127.0.0.1:${PORT}\n`),
);

setInterval(
  () =>
    publish("clock", {
      time: iso(world.now()),
      speed: world.speed,
      ingestOnline: true,
      dataAsOf: iso(world.now()),
    }),
  1000,
);
const ids = [...world.lamps.keys()];
let turn = 0;
setInterval(() => {
  const batch = [];
  for (let count = 0; count < Math.ceil(ids.length / 40); count++) {
    const lamp = world.lamps.get(ids[turn++ % ids.length] ?? "");
    if (!lamp) continue;
    world.observe(lamp);
    batch.push(lamp);
  }
  publish("lamps", batch);
}, 250);
