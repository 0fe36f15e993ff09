import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { keys } from "../api/queries";
import type { Alarm, LampDetail, LampState } from "../api/types";
import { currentView, setView } from "../state/view";
import { viewport } from "../testing/browser";
import { alarm, area, lampDetail, lampState } from "../testing/lamps";
import { show, testDesk } from "../testing/render";
import { fakeServer, Refusal } from "../testing/server";
import { LampPanel } from "./LampPanel";

interface Given {
  lamp?: Partial<LampState>;
  detail?: Partial<LampDetail> | Refusal;
  alarms?: Alarm[];
  language?: "id" | "en";
  /** Whether the live stream knows the lamp. */
  live?: boolean;
}

function panel({ lamp = {}, detail = {}, alarms = [], language = "en", live = true }: Given = {}) {
  const state = lampState({ road: "Jl. Sadu", ...lamp });
  const answer = detail instanceof Refusal ? detail : { ...lampDetail(), ...state, ...detail };
  const server = fakeServer({
    "GET /lamps/SOR-00001": answer,
    "GET /lamps/SOR-00001/telemetry": { lampId: "SOR-00001", from: "", to: "", series: [] },
  });
  setView({ lampId: "SOR-00001" });
  const shown = show(<LampPanel id="SOR-00001" canCommand={false} ref={() => {}} />, {
    language,
    desk: testDesk(live ? [state] : []),
    known: (queries) => {
      queries.setQueryData(keys.alarms, alarms);
      queries.setQueryData(keys.areas, [area({ name: "Soreang" })]);
    },
  });
  return { ...shown, server };
}

describe("the head", () => {
  it("names the lamp, its road, area, gateway and state", () => {
    panel();
    const head = screen.getByRole("banner");
    expect(within(head).getByRole("heading", { name: "SOR-00001" })).toBeVisible();
    expect(head).toHaveTextContent("Jl. Sadu · Soreang");
    expect(head).toHaveTextContent("Gateway soreang-01");
    expect(screen.getByTestId("lamp-state")).toHaveTextContent("Lit");
  });

  it("closes the panel", async () => {
    const { user } = panel();
    await user.click(screen.getByRole("button", { name: "Close the lamp panel" }));
    expect(currentView().lampId).toBeNull();
  });
});

describe("the level", () => {
  it("is measured, with its power and age", () => {
    panel({ lamp: { actualLightState: 48.4, activePower: 43.2, targetLightCommand: 50 } });
    expect(screen.getByTestId("lamp-level")).toHaveAttribute("data-value", "48");
    expect(screen.getByText("43.2 W")).toBeVisible();
    expect(screen.getByTestId("lamp-age")).toHaveTextContent("60 min ago");
    expect(screen.queryByText(/target/)).toBeNull();
  });

  it("is shown with its target where the lamp has not reached it", () => {
    panel({ lamp: { actualLightState: 20, targetLightCommand: 80 } });
    expect(screen.getByText("target 80 %")).toBeVisible();
  });

  it("is a dash where nothing was ever read", () => {
    panel({ lamp: { actualLightState: null, activePower: null, observedAt: null, state: "unknown" } });
    expect(screen.getByTestId("lamp-level")).toHaveTextContent("–%");
    expect(screen.getByTestId("lamp-age")).toHaveTextContent("no reading yet");
  });
});

describe("the reason of the level", () => {
  const reason = () => screen.getByTestId("lamp-reason");

  it.each([
    ["en", "Following the program “Sunset to sunrise, half light from 23:00”"],
    ["id", "Mengikuti program “Terbenam sampai terbit, setengah terang mulai 23:00”"],
  ] as const)("is the built-in program by its name in %s", async (language, sentence) => {
    panel({ language });
    expect(await screen.findByText(sentence)).toBeVisible();
    expect(reason()).toHaveAttribute("data-reason", "program");
  });

  it("is a program of one's own by the name it was given, and its next change", async () => {
    panel({ detail: { program: { id: "p1", name: "Ramadan" } } });
    expect(await screen.findByText("Following the program “Ramadan”")).toBeVisible();
    expect(screen.getByTestId("lamp-next")).toHaveTextContent("Next 23:00: 50 %");
  });

  it("says that no change is scheduled", async () => {
    panel({ detail: { nextChange: null } });
    expect(await screen.findByText("No change is scheduled.")).toBeVisible();
  });

  it("is an override with who set it, until when and why", () => {
    panel({
      lamp: {
        override: {
          commandId: "c",
          expiration: "2025-11-24T13:30:00Z",
          note: "road works",
          requestedBy: "ani",
        },
      },
    });
    expect(reason()).toHaveAttribute("data-reason", "override");
    expect(reason()).toHaveTextContent("Set manually by ani, until 20:30 (1 h 30 min left)");
    expect(reason()).toHaveTextContent("“road works”");
  });

  it("is an override without an end", () => {
    panel({ lamp: { override: { commandId: "c", expiration: null, note: "", requestedBy: "" } } });
    expect(reason()).toHaveTextContent("Set manually, until cancelled");
  });

  it.each([
    ["sensor", "Set by a sensor"],
    ["default", "Default level: no program is active"],
    ["override", "Set manually"],
    [null, "Reason not reported yet"],
  ] as const)("is %s in words", (value, sentence) => {
    panel({ lamp: { reason: value } });
    expect(reason()).toHaveTextContent(sentence);
  });
});

describe("faults and values", () => {
  it("lists the faults of this lamp alone", () => {
    panel({
      alarms: [
        alarm({ id: 1, type: "dimmingFailure", raisedAt: "2025-11-24T11:58:00Z" }),
        alarm({ id: 2, lampId: "SOR-00002" }),
      ],
    });
    expect(screen.getByTestId("lamp-faults")).toHaveTextContent("Dimming failed2 min ago");
    expect(within(screen.getByTestId("lamp-faults")).getAllByRole("listitem")).toHaveLength(1);
  });

  it("shows measured numbers with unit and age, in a fixed order, and nothing else", async () => {
    const time = "2025-11-24T11:59:48Z";
    panel({
      detail: {
        values: [
          { attribute: "temperature", value: 46, unit: "°C", time },
          { attribute: "supplyVoltage", value: 228.4, unit: "V", time },
          { attribute: "lampFailure", value: false, unit: "", time },
          { attribute: "supplyCurrent", value: null, unit: "A", time },
        ],
      },
    });
    const values = await screen.findByTestId("lamp-values");
    expect([...values.children].map((each) => each.textContent)).toEqual([
      "Voltage228\u00a0V12 s ago",
      "Temperature46\u00a0°C12 s ago",
    ]);
  });

  it("says so where the controller has sent none", async () => {
    panel();
    expect(await screen.findByText("The controller has not sent values yet.")).toBeVisible();
    expect(await screen.findByText("No readings in the last 24 hours yet.")).toBeVisible();
  });
});

describe("loading", () => {
  it("fetches the detail again when the live stream changes the lamp", async () => {
    const { server, desk } = panel();
    await waitFor(() => expect(server.to("GET /lamps/SOR-00001").length).toBeGreaterThan(0));
    const before = server.to("GET /lamps/SOR-00001").length;
    desk.store.upsert([lampState({ observedAt: "2025-11-24T12:00:30Z" })]);
    await waitFor(() => expect(server.to("GET /lamps/SOR-00001").length).toBeGreaterThan(before));
  });

  it("says that a lamp is not in the inventory", async () => {
    panel({ detail: new Refusal(404), live: false });
    expect(await screen.findByText("Lamp SOR-00001 is not in the inventory.")).toBeVisible();
    expect(screen.queryByTestId("lamp-level")).toBeNull();
  });

  it("offers to try again where loading failed, and keeps what is live", async () => {
    const { user, server } = panel({ detail: new Refusal(500) });
    expect(await screen.findByText("The lamp's data could not be loaded.")).toBeVisible();
    expect(screen.getByTestId("lamp-level")).toHaveTextContent("100%");
    server.answers["GET /lamps/SOR-00001"] = lampDetail();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(screen.queryByText("The lamp's data could not be loaded.")).toBeNull());
  });
});

describe("on a phone", () => {
  it("is a sheet beside which the map stays usable, closed with Escape", async () => {
    viewport.narrow = true;
    const { user } = panel();
    const sheet = screen.getByRole("dialog", { name: "Set the lamp" });
    expect(sheet).not.toHaveAttribute("aria-modal");
    expect(within(sheet).getByTestId("lamp-panel")).toBeVisible();
    await user.keyboard("{Escape}");
    expect(currentView().lampId).toBeNull();
  });
});
