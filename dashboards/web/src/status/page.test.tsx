import { readFileSync } from "node:fs";
import { fireEvent, screen, waitFor, within } from "@testing-library/dom";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { fakeServer, noNetwork } from "../testing/server";
import { cabinetStatus, gatewayStatus, lampStatus, lineStatus } from "../testing/status";
import { COLOURS, STATUS } from "../theme/colours";
import type { GatewayStatus } from "./model";
import { StatusPage } from "./page";

const HTML = readFileSync("status.html", "utf8");
const BODY = /<body>([\s\S]*)<\/body>/.exec(HTML)?.[1]?.replace(/<script[\s\S]*<\/script>/, "") ?? "";

const user = userEvent.setup();

beforeEach(() => {
  document.body.innerHTML = BODY;
  document.documentElement.removeAttribute("style");
  vi.spyOn(window, "setInterval").mockReturnValue(0 as never);
});

/** The page of these gateways; the server can be given others before the next refresh. */
async function page(...gateways: GatewayStatus[]) {
  const server = fakeServer({
    "GET /status.json": ({ query }: { query: URLSearchParams }) => {
      const wanted = query.get("gateway");
      if (wanted) return { gateways: gateways.filter(({ id }) => id === wanted) };
      return { gateways: gateways.map((gateway) => ({ ...gateway, devices: [] })) };
    },
  });
  const shown = new StatusPage();
  shown.start();
  await waitFor(() => expect(document.getElementById("main")?.children.length).toBeGreaterThan(0));
  await waitFor(() => expect(document.querySelector("main noscript")).toBeNull());
  return { server, shown, gateways };
}

const ids = () => [...document.querySelectorAll("#list summary b")].map((each) => each.textContent);
const fact = (name: string) => screen.getByText(name, { selector: "dt" }).parentElement as HTMLElement;
const english = () => user.click(screen.getByRole("button", { name: "English" }));

describe("the only gateway of a machine", () => {
  it("is shown at once, with nothing to go back to", async () => {
    const { server } = await page(gatewayStatus());
    expect(screen.getByRole("heading", { level: 1 })).toHaveTextContent("soreang-0132.04.37");
    expect(document.getElementById("back")).not.toBeVisible();
    expect(server.sent.map(({ query }) => query.toString())).toEqual(["devices=no", "gateway=soreang-01"]);
  });

  it("is read again by its id alone", async () => {
    const { server, shown } = await page(gatewayStatus());
    await shown.refresh();
    expect(server.sent.at(-1)?.query.toString()).toBe("gateway=soreang-01");
    expect(server.sent).toHaveLength(3);
  });
});

describe("several gateways", () => {
  const bad = gatewayStatus({ id: "soreang-02", silent: 1, lines: [lineStatus({ silent: 1 })] });

  it("are a choice, with how many of their devices answer", async () => {
    await page(gatewayStatus(), bad);
    const choice = screen.getByRole("button", { name: /soreang-02/ });
    expect(within(choice).getByText("1 dari 2 menjawab")).toHaveClass("bad");
    await user.click(choice);
    await waitFor(() => expect(screen.getByRole("heading", { level: 1 })).toHaveTextContent("soreang-02"));
    await user.click(screen.getByRole("button", { name: "Semua" }));
    await waitFor(() => expect(screen.getByRole("heading", { level: 1 })).toHaveTextContent(/^Lentera$/));
  });

  it("may be none yet", async () => {
    await page();
    expect(screen.getByText("Belum ada gateway yang berjalan.")).toBeVisible();
  });
});

describe("the facts", () => {
  it("are good where nothing is wrong", async () => {
    await page(gatewayStatus());
    expect(document.querySelectorAll(".fact.is-good")).toHaveLength(4);
    expect(fact("Jam")).toHaveTextContent("19:00:05Asia/Jakarta, dipercaya");
    expect(fact("Rencana")).toHaveTextContent("a1b2c3d423:00 menjadi 50 %");
    expect(fact("Pusat")).toHaveTextContent("Tersambung");
    expect(fact("Antrean")).toHaveTextContent("Kosong41 kB di disk");
  });

  it("say that the clock is not set and what follows from it", async () => {
    const clock = { time: "2025-11-24T12:00:05Z", timeZone: "Asia/Jakarta", trusted: false };
    await page(gatewayStatus({ clock }));
    await english();
    expect(fact("Clock")).toHaveClass("is-bad");
    expect(fact("Clock")).toHaveTextContent("lamps follow the photocell or the safe level");
    expect(fact("Plan")).toHaveClass("is-wait");
    expect(fact("Plan")).toHaveTextContent("Held: the clock is not set");
  });

  it("say that the cloud cannot be reached, why, and that lamps go on", async () => {
    const uplink = { state: "down", problem: "connection refused", inFlight: 0 };
    const outbox = { depth: 1_234, sizeBytes: 2_345_678, decimated: 12, failing: false };
    await page(gatewayStatus({ uplink, outbox }));
    await english();
    expect(fact("Cloud")).toHaveClass("is-bad");
    expect(fact("Cloud")).toHaveTextContent("DisconnectedLamps keep following their plan.connection refused");
    expect(fact("Outbox")).toHaveClass("is-wait");
    expect(fact("Outbox")).toHaveTextContent(
      "1,234 records2.3 MB on disk12 old readings dropped to make room",
    );
  });

  it("distinguish a broker without a cloud from no broker", async () => {
    await page(gatewayStatus({ uplink: { state: "waiting", problem: null, inFlight: 0 } }));
    expect(fact("Pusat")).toHaveClass("is-wait");
  });

  it("count what is in flight", async () => {
    await page(gatewayStatus({ uplink: { state: "online", problem: null, inFlight: 17 } }));
    await english();
    expect(fact("Cloud")).toHaveTextContent("Connected17 records in flight");
  });

  it("say that the disk fails and that a plan was refused", async () => {
    const outbox = { depth: 5, sizeBytes: 0, decimated: 0, failing: true };
    const plan = { hash: "", problem: "program 'x' is missing", nextChange: null, nextLevel: null };
    await page(gatewayStatus({ outbox, plan }));
    await english();
    expect(fact("Outbox")).toHaveClass("is-bad");
    expect(fact("Outbox")).toHaveTextContent("The disk cannot be written");
    expect(fact("Plan")).toHaveTextContent("Built-inA new plan was refused: program 'x' is missing");
  });
});

describe("a line", () => {
  it("has a bead for every device, by unit, and its counters", async () => {
    const counters = { requests: 100, answers: 90, corrupt: 3, late: 0, foreign: 0, refused: 2 };
    await page(
      gatewayStatus({
        lines: [lineStatus({ silent: 1, counters })],
        devices: [lampStatus("B", { unit: 2, state: "unresponsive" }), lampStatus("A", { unit: 1 })],
      }),
    );
    await english();
    const card = screen.getByText("Line 1").parentElement as HTMLElement;
    expect(card).toHaveTextContent("1 of 2 answering");
    expect(card).toHaveTextContent("usb-ftdi · 90 responses / 100 requests, 3 corrupt, 2 refused");
    expect([...card.querySelectorAll(".beads i")].map((bead) => bead.className)).toEqual([
      "bulb lit",
      "bulb fault",
    ]);
  });

  it("says why its port cannot be used", async () => {
    await page(gatewayStatus({ lines: [lineStatus({ up: false, problem: "no such file" }), lineStatus()] }));
    await english();
    expect(screen.getByText("2 lines")).toBeVisible();
    expect(screen.getByText("Port cannot be used")).toHaveClass("bad");
    expect(screen.getByText("no such file")).toBeVisible();
  });
});

describe("a cabinet", () => {
  const values = [
    { attribute: "cabinetDoorOpen", value: true, unit: "" },
    { attribute: "circuitBreakerTripped", value: false, unit: "" },
    { attribute: "actualState", value: "ON", unit: "" },
    { attribute: "photocellOutputOn", value: true, unit: "" },
    { attribute: "totalPower", value: 3.91, unit: "kW" },
    { attribute: "phase1Voltage", value: 231, unit: "V" },
    { attribute: "phase2Voltage", value: 12, unit: "V" },
  ];
  const signs = () =>
    [...document.querySelectorAll(".signs div")].map((sign) => [
      sign.textContent,
      sign.querySelector("b")?.className,
    ]);

  it("shows door, breakers, contactor, photocell, power and phases", async () => {
    await page(gatewayStatus({ devices: [cabinetStatus(values)] }));
    await english();
    expect(signs()).toEqual([
      ["Dooropen", "bad"],
      ["Breakersfine", ""],
      ["Contactorclosed", ""],
      ["Photocelldark", ""],
      ["Power3.91 kW", ""],
      ["L1231 V", ""],
      ["L212 V", "bad"],
    ]);
  });

  it("has one voltage where it is on one phase", async () => {
    await page(
      gatewayStatus({ devices: [cabinetStatus([{ attribute: "supplyVoltage", value: 228, unit: "V" }])] }),
    );
    await english();
    expect(signs()).toEqual([["Voltage228 V", ""]]);
  });

  it("shows nothing old as if it were new", async () => {
    await page(gatewayStatus({ devices: [cabinetStatus(values, { state: "unresponsive" })] }));
    expect(signs()).toEqual([]);
    expect(screen.getByText("Tidak menjawab", { selector: "h3 span" })).toHaveClass("bad");
  });
});

describe("the lamps", () => {
  const devices = [
    lampStatus("SOR-00003"),
    lampStatus("SOR-00001"),
    lampStatus("SOR-00002", { state: "unresponsive", failures: 4 }),
    cabinetStatus([{ attribute: "cabinetDoorOpen", value: true, unit: "" }]),
  ];
  const shown = () => page(gatewayStatus({ devices, lamps: 3 }));

  it("begin with those that have a fault, and leave cabinets out", async () => {
    await shown();
    expect(ids()).toEqual(["SOR-00002", "SOR-00001", "SOR-00003"]);
  });

  it("are found by a part of their number", async () => {
    await shown();
    await user.type(screen.getByRole("searchbox"), "0001");
    expect(ids()).toEqual(["SOR-00001"]);
    expect(screen.getByText("1 / 3")).toBeVisible();
    await user.clear(screen.getByRole("searchbox"));
    await user.type(screen.getByRole("searchbox"), "xyz");
    expect(screen.getByText("Tidak ada yang cocok.")).toBeVisible();
  });

  it("can be narrowed to faults, cabinets included, and back", async () => {
    await shown();
    const faults = () => screen.getByRole("button", { name: /Gangguan 2/ });
    await user.click(faults());
    expect(ids()).toEqual(["PJU-01", "SOR-00002"]);
    expect(faults()).toHaveAttribute("aria-pressed", "true");
    await user.click(faults());
    expect(ids()).toHaveLength(3);
  });

  it("open to all of their values, and stay open when the page is drawn again", async () => {
    const { shown: statusPage } = await shown();
    const row = () => document.getElementById("pole-SOR-00001")?.closest("details") as HTMLDetailsElement;
    row().open = true;
    fireEvent(row(), new Event("toggle"));
    await statusPage.refresh();
    expect(row().open).toBe(true);
    expect(row()).toHaveTextContent("Profillamp-v2");
    expect(row()).toHaveTextContent("Berubah pada23:00:00");
    expect(row()).toHaveTextContent("Tegangan230 V");
  });

  it("say in a line why they are lit, what they measure and how old that is", async () => {
    await shown();
    const row = document.getElementById("pole-SOR-00001") as HTMLElement;
    expect(row).toHaveTextContent("SOR-00001100 %rencana · 230 V · 88,2 W · 4 dtk lalu");
  });

  it("that were not polled yet say so", async () => {
    const waiting = lampStatus("A", { state: "not_polled", lastAnswer: null, values: [] });
    await page(gatewayStatus({ devices: [waiting] }));
    expect(document.getElementById("pole-A")).toHaveTextContent("ABelum dibaca · belum pernah menjawab");
  });

  it("show names as text, whatever is in them", async () => {
    const nasty = '<img src=x onerror="document.title=1">';
    await page(gatewayStatus({ devices: [lampStatus(nasty)] }));
    expect(ids()).toEqual([nasty]);
    expect(document.querySelector("img")).toBeNull();
  });
});

describe("what a redraw leaves alone", () => {
  it("is the search with its caret", async () => {
    const { shown } = await page(gatewayStatus());
    const search = () => screen.getByRole("searchbox") as HTMLInputElement;
    await user.type(search(), "SOR");
    search().setSelectionRange(1, 1);
    await shown.refresh();
    expect(search()).toHaveFocus();
    expect(search()).toHaveValue("SOR");
    expect(search().selectionStart).toBe(1);
  });
});

describe("the choice of language and theme", () => {
  it("is kept for the next visit", async () => {
    await page(gatewayStatus());
    await english();
    await user.click(screen.getByRole("button", { name: "Night" }));
    document.body.innerHTML = BODY;
    await page(gatewayStatus());
    expect(screen.getByRole("button", { name: "Day" })).toBeVisible();
    expect(document.documentElement.lang).toBe("en");
  });

  it("sets every colour", async () => {
    await page(gatewayStatus());
    const paper = () => document.documentElement.style.getPropertyValue("--paper");
    expect(paper()).toBe(STATUS.light.paper);
    await user.click(screen.getByRole("button", { name: "Malam" }));
    expect(paper()).toBe(COLOURS.dark.ground);
    expect(document.documentElement).toHaveClass("night");
  });
});

describe("a gateway that does not answer", () => {
  it("is said, with since when, and the last figures stay", async () => {
    const { shown } = await page(gatewayStatus());
    noNetwork();
    await shown.refresh();
    expect(screen.getByRole("alert")).toHaveTextContent(/Gateway tidak menjawab sejak \d\d:\d\d:\d\d\./);
    expect(ids()).toHaveLength(2);
  });

  it("is no longer said once it answers", async () => {
    const { shown, gateways } = await page(gatewayStatus());
    noNetwork();
    await shown.refresh();
    fakeServer({ "GET /status.json": { gateways } });
    await shown.refresh();
    expect(document.getElementById("notice")).not.toBeVisible();
  });

  it("has no time where it never answered", async () => {
    noNetwork();
    const shown = new StatusPage();
    shown.start();
    await shown.refresh();
    expect(screen.getByRole("alert")).toHaveTextContent("sejak –.");
  });
});
