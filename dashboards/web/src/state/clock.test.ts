import { expect, it } from "vitest";
import { DomainClock } from "./clock";

it("runs on at its own speed between two ticks", () => {
  let wall = 0;
  const clock = new DomainClock(() => wall);
  clock.set({ time: "2025-11-24T10:00:00Z", speed: 60 });
  wall = 500;
  expect(new Date(clock.nowMs()).toISOString()).toBe("2025-11-24T10:00:30.000Z");
});

it("stands still when the server has been silent for two seconds", () => {
  let wall = 0;
  const clock = new DomainClock(() => wall);
  clock.set({ time: "2025-11-24T10:00:00Z", speed: 60 });
  wall = 3_600_000;
  expect(new Date(clock.nowMs()).toISOString()).toBe("2025-11-24T10:02:00.000Z");
});
