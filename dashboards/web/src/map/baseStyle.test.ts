import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { StyleSpecification } from "maplibre-gl";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { baseStyle, fontOf, plainStyle } from "./baseStyle";

const GROUND: StyleSpecification = {
  version: 8,
  glyphs: "https://ground.example/{fontstack}/{range}.pbf",
  sources: {},
  layers: [
    { id: "land", type: "background" },
    { id: "names", type: "symbol", source: "land", layout: { "text-font": ["Ground Regular"] } },
  ],
};

describe("the ground", () => {
  let server: Server;
  let address = "";

  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === "/style.json") response.end(JSON.stringify(GROUND));
      else if (request.url === "/page.html") response.end("<html></html>");
      else response.writeHead(404).end();
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => new Promise((closed) => server.close(closed)));

  it("is the plain one in the theme's colour where none is configured", async () => {
    expect(await baseStyle({}, "dark")).toEqual(plainStyle("dark"));
    expect(await baseStyle({ mapStyle: null, pmtiles: null }, "light")).toEqual(plainStyle("light"));
    expect(plainStyle("light")).not.toEqual(plainStyle("dark"));
  });

  it("is the configured style", async () => {
    expect(await baseStyle({ mapStyle: `${address}/style.json` }, "dark")).toEqual(GROUND);
  });

  it.each(["/missing.json", "/page.html"])("falls back to the plain one for %s", async (path) => {
    expect(await baseStyle({ mapStyle: address + path }, "dark")).toEqual(plainStyle("dark"));
  });

  it("falls back to the plain one where the server is gone", async () => {
    const gone = createServer();
    await new Promise<void>((listening) => gone.listen(0, "127.0.0.1", listening));
    const { port } = gone.address() as AddressInfo;
    await new Promise((closed) => gone.close(closed));
    const style = await baseStyle({ mapStyle: `http://127.0.0.1:${port}/style.json` }, "light");
    expect(style).toEqual(plainStyle("light"));
  });

  it("brings its own font, ours where it has no glyphs", () => {
    expect(fontOf(GROUND)).toBe("Ground Regular");
    expect(fontOf(plainStyle("dark"))).toBe("Figtree Variable");
  });
});
