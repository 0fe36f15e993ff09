import { expect, it } from "vitest";
import { DomainClock } from "./clock";

it("runs on at its own speed between two ticks", () => {
  let wall = 0;
  const clock = new DomainClock(() => wall);
  clock.set({ time: "2025-11-24T10:00:00Z", speed: 60 });
  wall = 500;
  expect(new Date(clock.nowMs()).toISOString()).toBe("2025-11-24T10:00:30.000Z");
});

it("stops two seconds after the last tick of the server", () => {
  let wall = 0;
  const clock = new DomainClock(() => wall);
  clock.set({ time: "2025-11-24T10:00:00Z", speed: 60 });
  wall = 3_600_000;
  expect(new Date(clock.nowMs()).toISOString()).toBe("2025-11-24T10:02:00.000Z");
});
