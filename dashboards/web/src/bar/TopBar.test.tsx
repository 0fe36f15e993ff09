import { act, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { keys } from "../api/queries";
import type { Alarm, Summary } from "../api/types";
import { currentView } from "../state/view";
import { alarm, lampState, summary } from "../testing/lamps";
import { show, testDesk } from "../testing/render";
import { fakeServer } from "../testing/server";
import { TopBar } from "./TopBar";

function bar(known: Summary | undefined, alarms?: Alarm[], desk = testDesk()) {
  fakeServer({});
  return show(<TopBar summary={known} live="live" />, {
    desk,
    known: (queries) => {
      if (alarms) queries.setQueryData(keys.alarms, alarms);
    },
  });
}

const figure = (name: string) => screen.getByTestId(`summary-${name}`);

describe("figures", () => {
  it("are dashes until anything is known", () => {
    bar(undefined);
    for (const name of ["lit", "faults", "gateways", "power"]) expect(figure(name)).toHaveTextContent("–");
    expect(figure("lit")).not.toHaveAttribute("data-value");
  });

  it("are the server's until lamps are loaded", () => {
    bar(summary({ lit: 8, total: 10, fault: 1 }));
    expect(figure("lit")).toHaveTextContent("8lit of 10");
    expect(figure("faults")).toHaveAttribute("data-value", "1");
    expect(figure("gateways")).toHaveTextContent("1gateways out of reach of 3");
    expect(figure("power")).toHaveTextContent("31.6 kWpower plan 33.0 kW");
  });

  it("count the loaded lamps and follow their changes", () => {
    const desk = testDesk([lampState({ id: "A" }), lampState({ id: "B", state: "off" })]);
    bar(summary(), undefined, desk);
    expect(figure("lit")).toHaveTextContent("1lit of 2");
    act(() => desk.store.upsert([lampState({ id: "B" })]));
    expect(figure("lit")).toHaveTextContent("2lit of 2");
  });

  it("count lamps with a fault, not their alarms", () => {
    bar(summary({ fault: 9 }), [alarm({ id: 1 }), alarm({ id: 2, severity: "minor" })]);
    expect(figure("faults")).toHaveAttribute("data-value", "1");
  });

  it("warn only where there is something to warn of", () => {
    bar(summary({ fault: 0, gateways: { total: 3, offline: 0 } }), []);
    expect(figure("faults")).toHaveAttribute("data-tone", "calm");
    expect(figure("gateways")).toHaveAttribute("data-tone", "calm");
  });

  it("use a fault's colour for faults and for gateways out of reach", () => {
    bar(summary(), [alarm()]);
    expect(figure("faults")).toHaveAttribute("data-tone", "fault");
    expect(figure("gateways")).toHaveAttribute("data-tone", "fault");
  });
});

it("opens the list of faults from their number", async () => {
  const { user } = bar(summary());
  await user.click(screen.getByRole("button", { name: /faults/ }));
  expect(currentView().panel).toBe("faults");
});
