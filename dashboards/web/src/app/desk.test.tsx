import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { startI18n } from "../i18n";
import { currentView, setView } from "../state/view";
import { alarm, area, lampDetail, lampState, nightView, summary } from "../testing/lamps";
import { type FakeStream, fakeStreams } from "../testing/liveStream";
import { fakeServer, Refusal } from "../testing/server";
import { COLOURS } from "../theme/colours";
import { Root } from "./Root";

// jsdom has no WebGL: what the map itself draws is tested in src/map and in the end-to-end tests.
vi.mock("../map/MapView", () => ({
  MapView: ({ previewLevel }: { previewLevel: number | null }) => (
    <div data-testid="map" data-preview={previewLevel ?? ""} />
  ),
}));

const LAMPS = [lampState({ id: "A" }), lampState({ id: "B", state: "off" })];

const ANSWERS = {
  "GET /session": { username: "ani", role: "operator" },
  "GET /summary": summary(),
  "GET /night": nightView(),
  "GET /areas": { items: [area()] },
  "GET /alarms": { items: [alarm({ lampId: "B" })], nextCursor: null },
  "GET /lamps": { items: LAMPS, nextCursor: null },
  "GET /lamps/A": lampDetail({ id: "A" }),
  "GET /lamps/A/telemetry": { lampId: "A", from: "", to: "", series: [] },
};

let streams: FakeStream[];

beforeEach(async () => {
  localStorage.setItem("lentera.language", "en");
  await startI18n();
  streams = fakeStreams();
});

async function desk(answers: Record<string, unknown> = {}) {
  const server = fakeServer({ ...ANSWERS, ...answers });
  render(<Root />);
  const user = userEvent.setup();
  await screen.findByTestId("desk");
  await screen.findByText("1 of 2 lit");
  return { server, user };
}

const send = (name: string, data: unknown) => act(() => streams.at(-1)?.send(name, data));

describe("the session", () => {
  it("opens the desk for a person who is logged in", async () => {
    await desk();
    expect(screen.queryByTestId("login")).toBeNull();
  });

  it("shows the login page to anybody else", async () => {
    fakeServer({ "GET /session": new Refusal(401) });
    render(<Root />);
    expect(await screen.findByTestId("login")).toBeVisible();
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("says that the server cannot be reached where the answer is not about the session", async () => {
    fakeServer({ "GET /session": new Refusal(404) });
    render(<Root />);
    expect(await screen.findByRole("alert")).toHaveTextContent("The Lentera server cannot be reached.");
  });

  it("ends when any answer says so", async () => {
    const { server } = await desk();
    server.answers["GET /session"] = new Refusal(401);
    server.answers["GET /summary"] = new Refusal(401);
    send("gateways", []);
    expect(await screen.findByTestId("login")).toBeVisible();
  });

  it("gives a viewer no control over lamps", async () => {
    const { user } = await desk({ "GET /session": { username: "budi", role: "viewer" } });
    await user.type(screen.getByRole("combobox"), "A{Enter}");
    expect(await screen.findByText(/Your account is read-only/)).toBeVisible();
  });
});

describe("live changes", () => {
  it("reach figures, lists and the window's own interface", async () => {
    await desk();
    expect(window.lentera?.lampCount()).toBe(2);
    send("lamps", [lampState({ id: "B" })]);
    expect(await screen.findByText("2 of 2 lit")).toBeVisible();
    expect(window.lentera?.lampState("B")?.state).toBe("lit");
    expect(window.lentera?.lampState("C")).toBeUndefined();
  });

  it("bring and clear faults", async () => {
    await desk();
    const faults = screen.getByTestId("summary-faults");
    send("alarms", [alarm({ id: 2, lampId: "A" })]);
    await waitFor(() => expect(faults).toHaveAttribute("data-value", "2"));
    send("alarms", [alarm({ id: 2, lampId: "A", clearedAt: "2025-11-24T12:00:00Z" })]);
    await waitFor(() => expect(faults).toHaveAttribute("data-value", "1"));
  });

  it("set the clock and its speed", async () => {
    await desk();
    send("clock", { time: "2025-11-24T13:00:00Z", speed: 600, ingestOnline: true, dataAsOf: null });
    expect(await screen.findByTestId("speed")).toHaveTextContent("time 600×");
  });

  it("are caught up with after a gap: everything is loaded again", async () => {
    const { server } = await desk();
    act(() => streams[0]?.onopen?.());
    expect(screen.getByTestId("live-status")).toHaveAttribute("data-status", "live");
    act(() => streams[0]?.onerror?.());
    expect(screen.getByTestId("live-status")).toHaveAttribute("data-status", "lost");
    server.answers["GET /lamps"] = { items: [lampState({ id: "A" })], nextCursor: null };
    await waitFor(() => expect(streams).toHaveLength(2));
    act(() => streams[1]?.onopen?.());
    await waitFor(() => expect(window.lentera?.lampCount()).toBe(1));
    expect(server.to("GET /lamps")).toHaveLength(2);
  });
});

describe("the map's notices", () => {
  it("say what to do where there is no lamp", async () => {
    fakeServer({ ...ANSWERS, "GET /lamps": { items: [], nextCursor: null } });
    render(<Root />);
    expect(await screen.findByTestId("map-empty")).toHaveTextContent("No lamps on the map yet");
  });

  it("offer to load lamps again where that failed", async () => {
    const server = fakeServer({ ...ANSWERS, "GET /lamps": new Refusal(500) });
    render(<Root />);
    const user = userEvent.setup();
    expect(await screen.findByText("The lamps could not be loaded")).toBeVisible();
    server.answers["GET /lamps"] = ANSWERS["GET /lamps"];
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(screen.queryByText("The lamps could not be loaded")).toBeNull());
  });

  it("load all pages of lamps", async () => {
    const { server } = await desk({
      "GET /lamps": ({ query }: { query: URLSearchParams }) =>
        query.get("cursor")
          ? { items: [LAMPS[1]], nextCursor: null }
          : { items: [LAMPS[0]], nextCursor: "next" },
    });
    expect(server.to("GET /lamps").map(({ query }) => query.get("cursor"))).toEqual([null, "next"]);
  });

  it("say plainly that a plan is shown and not the lamps", async () => {
    const { user } = await desk();
    const scrub = screen.getByTestId("night-scrub");
    scrub.focus();
    fireEvent.change(scrub, { target: { value: String(Date.parse("2025-11-24T17:00:00Z")) } });
    expect(screen.getByTestId("map-preview")).toHaveTextContent("Plan at 00:00: 50 %");
    expect(screen.getByTestId("map")).toHaveAttribute("data-preview", "50");
    await user.keyboard("{Escape}");
    expect(screen.queryByTestId("map-preview")).toBeNull();
    expect(screen.getByTestId("map")).toHaveAttribute("data-preview", "");
  });
});

describe("the lamp panel", () => {
  it("takes the focus, and Escape gives it back to what opened it", async () => {
    const { user } = await desk();
    await user.click(screen.getByRole("tab", { name: /Faults/ }));
    const row = await screen.findByRole("button", { name: /Lamp is out/ });
    await user.click(row);
    expect(await screen.findByTestId("lamp-panel")).toHaveFocus();
    await user.keyboard("{Escape}");
    expect(screen.queryByTestId("lamp-panel")).toBeNull();
    expect(row).toHaveFocus();
  });

  it("stays while a menu is closed with Escape", async () => {
    const { user } = await desk();
    act(() => setView({ lampId: "A" }));
    await screen.findByTestId("lamp-panel");
    await user.click(screen.getByRole("button", { name: "User menu" }));
    await screen.findByRole("menu");
    await user.keyboard("{ArrowDown}{Escape}");
    expect(currentView().lampId).toBe("A");
  });
});

describe("the theme", () => {
  const scheme = () => document.documentElement.dataset.mantineColorScheme;

  it("is dark after sunset and light before it", async () => {
    await desk();
    await waitFor(() => expect(scheme()).toBe("dark"));
    send("clock", { time: "2025-11-24T06:00:00Z", speed: 1 });
    await waitFor(() => expect(scheme()).toBe("light"));
    expect(document.querySelector('meta[name="theme-color"]')).toBeNull();
  });

  it("colours the browser's own bar", async () => {
    const meta = document.createElement("meta");
    meta.name = "theme-color";
    document.head.append(meta);
    localStorage.setItem("lentera.theme", "light");
    await desk();
    await waitFor(() => expect(meta.content).toBe(COLOURS.light.surface));
    meta.remove();
  });

  it("writes every colour as a CSS variable", async () => {
    await desk();
    const styles = [...document.querySelectorAll("style")].map((style) => style.textContent).join();
    expect(styles).toContain(`--fault-text: ${COLOURS.dark.faultText}`);
    expect(styles).toContain(`--fault-text: ${COLOURS.light.faultText}`);
  });
});
