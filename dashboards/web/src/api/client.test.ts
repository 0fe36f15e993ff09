import { afterEach, describe, expect, it, vi } from "vitest";
import { alarm } from "../testing/lamps";
import { ApiError, activeAlarms, api } from "./client";
import { worthRetrying } from "./queries";

afterEach(() => vi.unstubAllGlobals());

it("reads every page of the alarms, however many there are", async () => {
  const pages = 23;
  vi.stubGlobal("fetch", async (address: string) => {
    const at = Number(new URL(address, "http://lentera.test").searchParams.get("cursor") ?? pages);
    const page = { items: [alarm({ id: at })], nextCursor: at > 1 ? String(at - 1) : null };
    return Response.json(page);
  });
  expect(await activeAlarms()).toHaveLength(pages);
});

describe("a refused request", () => {
  const refuse = (status: number, body: unknown, type = "application/problem+json") =>
    vi.stubGlobal(
      "fetch",
      async () => new Response(JSON.stringify(body), { status, headers: { "content-type": type } }),
    );

  it("carries the problem and names each field with what was expected", async () => {
    refuse(422, {
      title: "Unprocessable",
      detail: "the request is not valid",
      errors: [{ field: "level", value: 140, expected: "0 to 100" }],
    });
    await expect(api.summary()).rejects.toMatchObject({
      status: 422,
      message: "the request is not valid (level: 0 to 100)",
    });
  });

  it("says the status where there is no problem", async () => {
    refuse(502, "<html></html>", "text/html");
    await expect(api.summary()).rejects.toMatchObject({ status: 502, message: "HTTP 502", problem: null });
  });

  it("is not tried again, but a failing server and a lost network are, three times", () => {
    expect(worthRetrying(0, new ApiError(404, null))).toBe(false);
    expect(worthRetrying(2, new ApiError(503, null))).toBe(true);
    expect(worthRetrying(2, new TypeError("Failed to fetch"))).toBe(true);
    expect(worthRetrying(3, new ApiError(503, null))).toBe(false);
  });
});

describe("addresses", () => {
  it("escape ids, whatever is in them", async () => {
    const addresses: string[] = [];
    vi.stubGlobal("fetch", async (address: string) => {
      addresses.push(address);
      return Response.json({});
    });
    await api.lamp("A/B #1");
    await api.telemetry(
      "A",
      ["activePower", "actualLightState"],
      "2025-11-24T00:00:00Z",
      "2025-11-25T00:00:00Z",
    );
    expect(addresses[0]).toBe("/api/v1/lamps/A%2FB%20%231");
    expect(new URL(addresses[1] ?? "", "http://lentera.test").searchParams.get("attributes")).toBe(
      "activePower,actualLightState",
    );
  });
});
