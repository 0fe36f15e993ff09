import { afterEach, expect, it, vi } from "vitest";
import { alarm } from "../testing/lamps";
import { activeAlarms } from "./client";

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
