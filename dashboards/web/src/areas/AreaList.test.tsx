import { act, screen, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { keys } from "../api/queries";
import type { Area } from "../api/types";
import { currentView, setView } from "../state/view";
import { area, lampState } from "../testing/lamps";
import { show, testDesk } from "../testing/render";
import { fakeServer, Refusal } from "../testing/server";
import { AreaList } from "./AreaList";

const SOREANG = area({ id: "1", name: "Soreang", total: 100, lit: 90, off: 5, fault: 3, unknown: 2 });
const KATAPANG = area({ id: "2", name: "Katapang", total: 40, lit: 40, off: 0, fault: 0, unknown: 0 });

const row = (id: string) => screen.getByTestId(`area-row-${id}`);
const button = (name: RegExp | string) => screen.getByRole("button", { name });

function list(areas: Area[] = [SOREANG, KATAPANG], desk = testDesk()) {
  const onPicked = vi.fn();
  const shown = show(<AreaList onPicked={onPicked} />, {
    desk,
    known: (queries) => queries.setQueryData(keys.areas, areas),
  });
  return { ...shown, onPicked };
}

describe("the list of areas", () => {
  it("counts by the server until lamps are loaded", () => {
    list();
    expect(row("1")).toHaveTextContent("Soreang390 of 100 lit");
    expect(row("1")).toHaveAttribute("data-fault", "3");
    expect(row("2")).toHaveTextContent("Katapang40 of 40 lit");
  });

  it("counts the loaded lamps, and again when one of them changes", () => {
    const desk = testDesk([
      lampState({ id: "A", areaId: "1" }),
      lampState({ id: "B", areaId: "1", state: "fault" }),
      lampState({ id: "C", areaId: "2" }),
    ]);
    list(undefined, desk);
    expect(row("1")).toHaveTextContent("1 of 2 lit");
    act(() => desk.store.upsert([lampState({ id: "B", areaId: "1" })]));
    expect(row("1")).toHaveTextContent("2 of 2 lit");
    expect(row("1")).toHaveAttribute("data-fault", "0");
  });

  it("leaves out areas without lamps", () => {
    list([SOREANG, area({ id: "3", name: "Ciwidey", total: 0 })]);
    expect(screen.queryByTestId("area-row-3")).toBeNull();
  });

  it("draws the share of each state that occurs", () => {
    list();
    const kinds = (id: string) =>
      [...row(id).querySelectorAll<HTMLElement>("[data-kind]:not(svg)")].map((part) => [
        part.dataset.kind,
        part.style.flexGrow,
      ]);
    expect(kinds("1")).toEqual([
      ["lit", "90"],
      ["off", "5"],
      ["fault", "3"],
      ["unknown", "2"],
    ]);
    expect(kinds("2")).toEqual([["lit", "40"]]);
  });
});

describe("picking an area", () => {
  it("shows it alone and closes the lamp panel", async () => {
    setView({ lampId: "A" });
    const { user, onPicked } = list();
    await user.click(button(/Katapang/));
    expect(currentView()).toMatchObject({ areaId: "2", lampId: null });
    expect(button(/Katapang/)).toHaveAttribute("aria-pressed", "true");
    expect(button(/Soreang/)).toHaveAttribute("aria-pressed", "false");
    expect(onPicked).toHaveBeenCalledOnce();
  });

  it("goes back to all of them", async () => {
    setView({ areaId: "2" });
    const { user } = list();
    expect(button("All districts")).toHaveAttribute("aria-pressed", "false");
    await user.click(button("All districts"));
    expect(currentView().areaId).toBeNull();
    expect(button("All districts")).toHaveAttribute("aria-pressed", "true");
  });

  it("needs no way back where there is only one", () => {
    list([SOREANG]);
    expect(screen.queryByRole("button", { name: "All districts" })).toBeNull();
  });
});

describe("without areas", () => {
  it("says how to begin", () => {
    list([]);
    expect(screen.getByText(/Import a lamp list with “lentera admin” to begin/)).toBeVisible();
  });

  it("offers to load them again where that failed", async () => {
    const server = fakeServer({ "GET /areas": new Refusal(500) });
    const { user } = show(<AreaList />);
    const failed = await screen.findByRole("alert");
    expect(failed).toHaveTextContent("The districts could not be loaded.");
    server.answers["GET /areas"] = { items: [SOREANG] };
    await user.click(within(failed).getByRole("button", { name: "Try again" }));
    expect(await screen.findByTestId("area-row-1")).toBeVisible();
  });
});
