import { expect, it } from "vitest";
import type { Clock } from "../api/types";
import { createDesk, DeskProvider } from "../state/desk";
import { markup } from "../testing/markup";
import { BarClock } from "./BarClock";

const clock = (changes: Partial<Clock> = {}): Clock => ({
  time: "2025-11-24T12:30:00Z",
  speed: 1,
  ingestOnline: false,
  dataAsOf: "2025-11-24T12:04:00Z",
  ...changes,
});

function bar(language: "id" | "en", told: Clock): string {
  const desk = createDesk();
  desk.clock.set(told);
  const html = markup(
    <DeskProvider desk={desk}>
      <BarClock live="live" />
    </DeskProvider>,
    language,
  );
  return html.slice(0, html.indexOf("<time"));
}

it("says since when no data comes in, in both languages", () => {
  expect(bar("en", clock())).toMatch(/data-status="lost".*No data since \d\d[:.]04</);
  expect(bar("id", clock())).toMatch(/data-status="lost".*Tidak ada data sejak \d\d[:.]04</);
});

it("names the day as well when that was not today", () => {
  expect(bar("en", clock({ dataAsOf: "2025-11-21T12:04:00Z" }))).toMatch(/No data since .*21.* \d\d[:.]04</);
});

it("does not invent an instant where no data ever came", () => {
  expect(bar("en", clock({ dataAsOf: null }))).toContain("No data is coming in");
  expect(bar("id", clock({ dataAsOf: null }))).toContain("Tidak ada data yang masuk");
});

it("says nothing while data comes in, or where the server does not tell", () => {
  expect(bar("en", clock({ ingestOnline: true }))).not.toContain("No data");
  expect(bar("en", { time: "2025-11-24T12:30:00Z", speed: 1 } as Clock)).not.toContain("No data");
});
