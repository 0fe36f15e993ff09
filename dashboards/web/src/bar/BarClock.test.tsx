import { act, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Clock } from "../api/types";
import type { LiveStatus } from "../state/desk";
import { show, testDesk } from "../testing/render";
import { BarClock } from "./BarClock";

const clock = (changes: Partial<Clock> = {}): Clock => ({
  time: "2025-11-24T12:30:15Z",
  speed: 1,
  ingestOnline: true,
  dataAsOf: "2025-11-24T12:04:00Z",
  ...changes,
});

function bar(changes: Partial<Clock> = {}, language: "id" | "en" = "en", live: LiveStatus = "live") {
  const desk = testDesk();
  desk.clock.set(clock(changes));
  return show(<BarClock live={live} />, { language, desk });
}

const light = () => screen.getByTestId("live-status");

describe("the time", () => {
  it("is that of the lamps' time zone, to the second", () => {
    bar();
    expect(screen.getByTestId("clock")).toHaveTextContent("Mon, Nov 2419:30:15");
    expect(screen.getByTestId("clock")).toHaveAttribute("datetime", "2025-11-24T12:30:15.000Z");
  });

  it("says that it is simulated, without seconds where they would race", () => {
    bar({ speed: 600 });
    expect(screen.getByTestId("speed")).toHaveTextContent("time 600×");
    expect(screen.getByTestId("clock")).toHaveTextContent(/19:30$/);
  });

  it("is not shown as simulated at normal speed", () => {
    bar();
    expect(screen.queryByTestId("speed")).toBeNull();
  });

  it("moves on with every tick of the server", () => {
    const { desk } = bar();
    act(() => desk.clock.set(clock({ time: "2025-11-24T12:31:00Z" })));
    expect(screen.getByTestId("clock")).toHaveTextContent("19:31:00");
  });
});

describe("the light beside it", () => {
  it("is on while the stream is live and readings come in", () => {
    bar();
    expect(light()).toHaveAttribute("data-status", "live");
    expect(light()).toHaveAttribute("title", "Live");
    expect(light().textContent).toBe("");
  });

  it("says that the stream is being opened again", () => {
    bar({}, "en", "lost");
    expect(light()).toHaveAttribute("data-status", "lost");
    expect(light()).toHaveTextContent("Reconnecting…");
  });

  it.each([
    ["en", /^No data since 19[:.]04$/],
    ["id", /^Tidak ada data sejak 19[:.]04$/],
  ] as const)("says in %s since when no data comes in", (language, sentence) => {
    bar({ ingestOnline: false }, language);
    expect(light()).toHaveAttribute("data-status", "lost");
    expect(screen.getByTestId("ingest-offline").textContent).toMatch(sentence);
  });

  it("names the day as well when that was not today", () => {
    bar({ ingestOnline: false, dataAsOf: "2025-11-21T12:04:00Z" });
    expect(screen.getByTestId("ingest-offline").textContent).toMatch(/No data since .*21.* 19[:.]04$/);
  });

  it.each([
    ["en", "No data is coming in"],
    ["id", "Tidak ada data yang masuk"],
  ] as const)("names no instant in %s where no data ever came", (language, sentence) => {
    bar({ ingestOnline: false, dataAsOf: null }, language);
    expect(screen.getByTestId("ingest-offline")).toHaveTextContent(sentence);
  });

  it("stays on where the server does not say whether data comes in", () => {
    const desk = testDesk();
    desk.clock.set({ time: "2025-11-24T12:30:00Z", speed: 1 });
    show(<BarClock live="live" />, { desk });
    expect(screen.queryByTestId("ingest-offline")).toBeNull();
    expect(light()).toHaveAttribute("data-status", "live");
  });

  it("says one thing at a time: first that the stream is down", () => {
    bar({ ingestOnline: false }, "en", "lost");
    expect(light()).toHaveTextContent(/^Reconnecting…$/);
  });
});
