import { fireEvent, screen } from "@testing-library/react";
import { useState } from "react";
import { describe, expect, it } from "vitest";
import { keys } from "../api/queries";
import type { Alarm, Night } from "../api/types";
import { alarm, nightView } from "../testing/lamps";
import { show } from "../testing/render";
import type { Theme } from "../theme/theme";
import { NightStrip } from "./NightStrip";

interface Given {
  night?: Night | undefined;
  failed?: boolean;
  alarms?: Alarm[];
  language?: "id" | "en";
  theme?: Theme;
}

function Strip({ night, failed }: { night: Night | undefined; failed: boolean }) {
  const [previewMs, setPreviewMs] = useState<number | null>(null);
  return (
    <>
      <NightStrip night={night} failed={failed} previewMs={previewMs} onPreview={setPreviewMs} />
      <output data-testid="preview">{previewMs === null ? "now" : new Date(previewMs).toISOString()}</output>
    </>
  );
}

function strip(given: Given = {}) {
  const night = "night" in given ? given.night : nightView();
  const { failed = false, alarms = [], language = "en", theme = "dark" } = given;
  return show(<Strip night={night} failed={failed} />, {
    language,
    theme,
    known: (queries) => queries.setQueryData(keys.alarms, alarms),
  });
}

const scrub = () => screen.getByRole("slider", { name: /Show another moment/ });
const preview = () => screen.getByTestId("preview").textContent;
const drag = (time: string) => fireEvent.change(scrub(), { target: { value: String(Date.parse(time)) } });
const leftOf = (testId: string) => screen.getByTestId(testId).style.left;

describe("tonight", () => {
  it("says the planned level of now", () => {
    strip();
    expect(screen.getByText("Tonight")).toBeVisible();
    expect(screen.getByText("plan 100 %")).toBeVisible();
  });

  it("marks now, sunset and sunrise in the time zone of the lamps", () => {
    strip();
    // 19:00 of a night from noon to noon: seven of its 24 hours.
    expect(Number.parseFloat(leftOf("night-now"))).toBeCloseTo((7 / 24) * 100);
    expect(screen.getByText("17:50")).toBeVisible();
    expect(screen.getByText("05:24")).toBeVisible();
    expect(screen.getByText("21:00")).toBeInTheDocument();
  });

  it("gathers faults by when they began and counts them", () => {
    strip({
      alarms: [
        alarm({ id: 1, raisedAt: "2025-11-24T11:00:00Z" }),
        alarm({ id: 2, raisedAt: "2025-11-24T11:01:00Z" }),
        alarm({ id: 3, raisedAt: "2025-11-24T11:45:00Z" }),
        alarm({ id: 4, raisedAt: "2025-11-20T11:00:00Z" }),
      ],
    });
    expect(screen.getAllByTestId("night-fault").map((tick) => tick.title)).toEqual([
      "2 faults began",
      "1 fault began",
    ]);
  });

  it("draws the measured levels over the planned ones", () => {
    const actual = [
      { time: "2025-11-24T11:00:00Z", level: 90 },
      { time: "2025-11-24T12:00:00Z", level: 95 },
    ];
    const { container, unmount } = strip({ night: nightView({ actual }) });
    const withActual = container.querySelectorAll("path").length;
    unmount();
    expect(strip().container.querySelectorAll("path")).toHaveLength(withActual - 1);
  });

  it("writes dark on a pale sky by day and light on a deep one", () => {
    const night = nightView({
      start: "2025-11-24T06:00:00Z",
      end: "2025-11-25T06:00:00Z",
      sunset: "2025-11-24T14:00:00Z",
      civilDusk: "2025-11-24T14:22:00Z",
    });
    const { unmount } = strip({ night, theme: "light" });
    expect(screen.getByTestId("night-now")).toHaveAttribute("data-tone", "pale");
    unmount();
    strip({ night, theme: "dark" });
    expect(screen.getByTestId("night-now")).toHaveAttribute("data-tone", "deep");
  });
});

describe("where the sun does not set or rise", () => {
  const polar = { sunset: null, sunrise: null, civilDusk: null, civilDawn: null };

  it("says that it does not set", () => {
    strip({ night: nightView({ ...polar, planned: [] }) });
    expect(screen.getByText("The sun does not set")).toBeVisible();
  });

  it("says that it does not rise where lamps are planned to burn", () => {
    strip({ night: nightView(polar), language: "id" });
    expect(screen.getByText("Matahari tidak terbit")).toBeVisible();
  });
});

describe("another moment", () => {
  it("is chosen by dragging, and read out with its level", () => {
    strip();
    drag("2025-11-24T17:00:00Z");
    expect(preview()).toBe("2025-11-24T17:00:00.000Z");
    expect(screen.getByText("plan 50 %")).toBeVisible();
    expect(scrub()).toHaveAttribute("aria-valuetext", "Plan at 00:00: 50\u00a0%");
    expect(screen.queryByText("Tonight")).toBeNull();
  });

  it("moves by five minutes with the arrow keys, which the range does by its step", () => {
    strip();
    expect(scrub()).toHaveAttribute("step", "300000");
    expect(scrub()).toHaveAttribute("min", String(Date.parse("2025-11-24T05:00:00Z")));
    expect(scrub()).toHaveAttribute("max", String(Date.parse("2025-11-25T05:00:00Z")));
  });

  it("is left by the button", async () => {
    const { user } = strip();
    drag("2025-11-24T17:00:00Z");
    await user.click(screen.getByRole("button", { name: "Back to now" }));
    expect(preview()).toBe("now");
    expect(screen.getByText("Tonight")).toBeVisible();
  });

  it("is left by Escape, which goes no further", () => {
    strip();
    drag("2025-11-24T17:00:00Z");
    expect(fireEvent.keyDown(scrub(), { key: "Escape" })).toBe(false);
    expect(preview()).toBe("now");
    expect(fireEvent.keyDown(scrub(), { key: "Escape" })).toBe(true);
  });

  it("is left by a double click", async () => {
    const { user } = strip();
    drag("2025-11-24T17:00:00Z");
    await user.dblClick(scrub());
    expect(preview()).toBe("now");
  });
});

describe("without a plan", () => {
  it("says that it is loading", () => {
    strip({ night: undefined });
    expect(screen.getByText("Loading…")).toBeVisible();
  });

  it("says that it could not be loaded", () => {
    strip({ night: undefined, failed: true });
    expect(screen.getByText("Tonight's plan could not be loaded.")).toBeVisible();
  });
});
