import { expect, it } from "vitest";
import { levelAt, meanPath, stepPath } from "./plan";
import { bucketTicks, hourMarks } from "./ticks";

const plan = [
  { time: "1970-01-01T00:00:10Z", level: 100 },
  { time: "1970-01-01T00:00:20Z", level: 50 },
];

it("holds a level until the next point", () => {
  expect(levelAt(plan, 9_999)).toBe(0);
  expect(levelAt(plan, 10_000)).toBe(100);
  expect(levelAt(plan, 19_999)).toBe(100);
  expect(levelAt(plan, 99_000)).toBe(50);
});

it("draws steps, never slopes", () => {
  const path = stepPath(
    plan,
    (ms) => ms / 1000,
    (level) => 100 - level,
    0,
    30_000,
  );
  expect(path).toBe("M0.0 100.0H10.0V0.0H20.0V50.0H30.0");
});

it("puts a mean in the middle of its span", () => {
  const path = meanPath(
    plan,
    (ms) => ms / 1000,
    (level) => 100 - level,
  );
  expect(path).toBe("M15.0 0.0L25.0 50.0");
});

it("gathers ticks and leaves out what is not of this night", () => {
  expect(bucketTicks([-1, 0, 1, 50, 100], 0, 100, 10)).toEqual([
    { share: 0.05, count: 2 },
    { share: 0.55, count: 1 },
  ]);
});

it("marks every third hour inside", () => {
  const marks = hourMarks(0, 24 * 3_600_000);
  expect(marks).toHaveLength(7);
  expect(marks[0]).toEqual({ ms: 3 * 3_600_000, share: 0.125 });
});
