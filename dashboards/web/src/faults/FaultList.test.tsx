import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { keys } from "../api/queries";
import type { Alarm } from "../api/types";
import { currentView, setView } from "../state/view";
import { alarm, area, lampState } from "../testing/lamps";
import { show, testDesk } from "../testing/render";
import { fakeServer, Refusal } from "../testing/server";
import { FaultList } from "./FaultList";

const LAMPS = [
  lampState({ id: "SOR-00001", road: "Jl. Sadu" }),
  lampState({ id: "BJR-00009", gatewayId: "banjaran-01" }),
];

interface Given {
  alarms?: Alarm[];
  role?: "viewer" | "operator";
  language?: "id" | "en";
}

function list({ alarms = [alarm()], role = "operator", language = "en" }: Given = {}) {
  return show(<FaultList />, {
    language,
    desk: testDesk(LAMPS),
    known: (queries) => {
      queries.setQueryData(keys.alarms, alarms);
      queries.setQueryData(keys.areas, [area({ id: "32.04.37", name: "Soreang" })]);
      queries.setQueryData(keys.session, { username: "ani", role });
    },
  });
}

const rows = () => screen.getByTestId("fault-list").querySelectorAll("li");
const row = (deviceId: string) => screen.getByTestId(`fault-row-${deviceId}`);

describe("the list of faults", () => {
  it("says what is wrong, where and since when", () => {
    list({ alarms: [alarm({ raisedAt: "2025-11-24T11:30:00Z" })] });
    expect(row("SOR-00001")).toHaveTextContent("Lamp is out30 min agoSOR-00001 · Jl. Sadu");
  });

  it("has one row for a device, with the number of its other faults", () => {
    list({
      alarms: [
        alarm({ id: 1, severity: "minor", type: "lampPowerTooLow" }),
        alarm({ id: 2 }),
        alarm({ id: 3, severity: "major", type: "dimmingFailure" }),
      ],
    });
    expect(screen.getByTestId("fault-list")).toHaveAttribute("data-count", "1");
    expect(row("SOR-00001")).toHaveTextContent("Lamp is out+2 more");
  });

  it("goes to the lamp that was picked and marks its row", async () => {
    const { user } = list();
    const button = within(row("SOR-00001")).getByRole("button", { name: /Lamp is out/ });
    expect(button).toHaveAttribute("aria-pressed", "false");
    await user.click(button);
    expect(currentView().lampId).toBe("SOR-00001");
    expect(button).toHaveAttribute("aria-pressed", "true");
  });

  it("goes to one of its lamps where the gateway itself is out of reach", async () => {
    const { user } = list({
      alarms: [alarm({ lampId: null, gatewayId: "banjaran-01", type: "communicationFailure" })],
    });
    await user.click(within(row("banjaran-01")).getByRole("button", { name: /Out of reach/ }));
    expect(currentView().lampId).toBe("BJR-00009");
  });

  it("shows a hundred at first, and more on request", async () => {
    const alarms = Array.from({ length: 130 }, (_, index) => alarm({ id: index, lampId: `L-${index}` }));
    const { user } = list({ alarms });
    expect(rows()).toHaveLength(100);
    await user.click(screen.getByText("Show 30 more"));
    expect(rows()).toHaveLength(130);
    expect(screen.queryByText(/Show \d+ more/)).toBeNull();
  });
});

describe("faults of one area", () => {
  it("leaves out the others until all are wanted again", async () => {
    setView({ areaId: "32.04.37" });
    const { user } = list({
      alarms: [alarm({ id: 1 }), alarm({ id: 2, lampId: "BJR-00009", areaId: "32.04.13" })],
    });
    expect(screen.getByText("Soreang")).toBeInTheDocument();
    expect(screen.queryByTestId("fault-row-BJR-00009")).toBeNull();
    await user.click(screen.getByRole("button", { name: "Show all districts" }));
    expect(row("BJR-00009")).toBeInTheDocument();
    expect(currentView().areaId).toBeNull();
  });

  it("says so where there are none", () => {
    setView({ areaId: "32.04.37" });
    list({ alarms: [] });
    expect(screen.getByText("No faults in Soreang.")).toBeInTheDocument();
  });
});

describe("acknowledging", () => {
  const two = [alarm({ id: 1 }), alarm({ id: 2, type: "dimmingFailure", severity: "major" })];
  const eye = () => screen.getByTestId("acknowledge-SOR-00001");

  it("sends every open alarm of the device and names who did it", async () => {
    const done = (id: number) => alarm({ id, acknowledgedAt: "2025-11-24T12:00:00Z", acknowledgedBy: "ani" });
    const server = fakeServer({
      "POST /alarms/1/acknowledge": done(1),
      "POST /alarms/2/acknowledge": done(2),
    });
    const { user } = list({ alarms: two });
    expect(eye()).toHaveAccessibleName("Acknowledge");
    await user.click(eye());
    expect(await screen.findByRole("button", { name: "Acknowledged by ani" })).toHaveAttribute(
      "aria-pressed",
      "true",
    );
    expect(server.sent.map(({ path }) => path)).toEqual(["/alarms/1/acknowledge", "/alarms/2/acknowledge"]);
    expect(row("SOR-00001")).toHaveAttribute("data-acknowledged", "true");
  });

  it.each([
    ["en", "Not acknowledged. Press to try again."],
    ["id", "Belum ditandai. Tekan untuk mencoba lagi."],
  ] as const)("says in %s that it failed, and can be tried again", async (language, label) => {
    const server = fakeServer({ "POST /alarms/1/acknowledge": new Refusal(503) });
    const { user } = list({ language });
    await user.click(eye());
    expect(await screen.findByRole("button", { name: label })).toHaveAttribute("data-failed", "true");
    server.answers["POST /alarms/1/acknowledge"] = alarm({ acknowledgedAt: "x", acknowledgedBy: "ani" });
    await user.click(eye());
    expect(await screen.findByRole("button", { name: /ani/ })).toHaveAttribute("data-failed", "false");
  });

  it("sends nothing again once it is acknowledged", async () => {
    const server = fakeServer({});
    const { user } = list({ alarms: [alarm({ acknowledgedAt: "x", acknowledgedBy: "budi" })] });
    await user.click(eye());
    expect(server.sent).toEqual([]);
  });

  it("is not offered to a viewer, who sees who did it", () => {
    list({
      role: "viewer",
      alarms: [alarm(), alarm({ id: 2, lampId: "B", acknowledgedAt: "x", acknowledgedBy: "budi" })],
    });
    expect(screen.queryByTestId("acknowledge-SOR-00001")).toBeNull();
    expect(screen.getByTestId("acknowledge-B")).toHaveAccessibleName("Acknowledged by budi");
  });
});

it("offers to load the faults again where that failed", async () => {
  const server = fakeServer({ "GET /alarms": new Refusal(500) });
  const { user } = show(<FaultList />);
  expect(await screen.findByRole("alert")).toHaveTextContent("The faults could not be loaded.");
  server.answers["GET /alarms"] = { items: [], nextCursor: null };
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText("No faults. Every reachable lamp works.")).toBeInTheDocument();
});
