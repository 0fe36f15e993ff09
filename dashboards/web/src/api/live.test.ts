import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lampState } from "../testing/lamps";
import { type FakeStream, fakeStreams } from "../testing/liveStream";
import { openLive } from "./live";

let streams: FakeStream[];

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", globalThis);
  streams = fakeStreams();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function live() {
  const handlers = {
    lamps: vi.fn(),
    alarms: vi.fn(),
    commands: vi.fn(),
    gateways: vi.fn(),
    clock: vi.fn(),
    connected: vi.fn(),
    lost: vi.fn(),
  };
  return { handlers, ...openLive(handlers) };
}

const newest = () => streams.at(-1) as FakeStream;

describe("the live stream", () => {
  it("hands every event to its handler", () => {
    const { handlers } = live();
    newest().onopen?.();
    newest().send("lamps", [lampState()]);
    newest().send("clock", { time: "2025-11-24T12:00:00Z", speed: 60 });
    expect(newest().address).toBe("/api/v1/live");
    expect(handlers.lamps).toHaveBeenCalledWith([lampState()]);
    expect(handlers.clock).toHaveBeenCalledWith({ time: "2025-11-24T12:00:00Z", speed: 60 });
    expect(handlers.connected).toHaveBeenCalledExactlyOnceWith(false);
  });

  it("opens again after an error, and says that something may have been missed", () => {
    const { handlers } = live();
    newest().onopen?.();
    newest().onerror?.();
    expect(handlers.lost).toHaveBeenCalledOnce();
    expect(streams[0]?.closed).toBe(true);
    vi.advanceTimersByTime(1_000);
    expect(streams).toHaveLength(2);
    newest().onopen?.();
    expect(handlers.connected).toHaveBeenLastCalledWith(true);
  });

  it("waits twice as long after every failure, at most 15 seconds", () => {
    live();
    const waits: number[] = [];
    for (let failure = 0; failure < 6; failure++) {
      const before = streams.length;
      newest().onerror?.();
      let waited = 0;
      while (streams.length === before) {
        vi.advanceTimersByTime(1_000);
        waited += 1;
      }
      waits.push(waited);
    }
    expect(waits).toEqual([1, 2, 4, 8, 15, 15]);
  });

  it("begins with a short wait again once it was open", () => {
    live();
    newest().onerror?.();
    vi.advanceTimersByTime(1_000);
    newest().onopen?.();
    newest().onerror?.();
    vi.advanceTimersByTime(1_000);
    expect(streams).toHaveLength(3);
  });

  it("opens again after twelve seconds of silence, counted from the last event", () => {
    const { handlers } = live();
    newest().onopen?.();
    vi.advanceTimersByTime(11_000);
    newest().send("clock", {});
    vi.advanceTimersByTime(11_000);
    expect(handlers.lost).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1_000);
    expect(handlers.lost).toHaveBeenCalledOnce();
  });

  it("ends for good", () => {
    const { stop, handlers } = live();
    newest().onopen?.();
    stop();
    newest().onerror?.();
    vi.advanceTimersByTime(60_000);
    expect(streams).toHaveLength(1);
    expect(handlers.lost).not.toHaveBeenCalled();
  });
});
