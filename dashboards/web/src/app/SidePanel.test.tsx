import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { keys } from "../api/queries";
import { currentView, setView } from "../state/view";
import { viewport } from "../testing/browser";
import { alarm, area, lampState } from "../testing/lamps";
import { show, testDesk } from "../testing/render";
import { SidePanel } from "./SidePanel";

function panel({ narrow = false, alarms = [alarm()] } = {}) {
  viewport.narrow = narrow;
  return show(<SidePanel />, {
    desk: testDesk([lampState(), lampState({ id: "KAT-1", areaId: "2" })]),
    known: (queries) => {
      queries.setQueryData(keys.alarms, alarms);
      queries.setQueryData(keys.areas, [area(), area({ id: "2", name: "Katapang" })]);
      queries.setQueryData(keys.session, { username: "ani", role: "operator" });
    },
  });
}

const tab = (name: RegExp) => screen.getByRole("tab", { name });

describe("beside the map", () => {
  it("has one list at a time", async () => {
    const { user } = panel();
    expect(tab(/Districts/)).toHaveAttribute("aria-selected", "true");
    expect(within(screen.getByRole("tabpanel")).getByTestId("area-list")).toBeVisible();
    await user.click(tab(/Faults/));
    expect(currentView().panel).toBe("faults");
    expect(within(screen.getByRole("tabpanel")).getByTestId("fault-list")).toBeVisible();
    expect(screen.queryByTestId("area-list")).toBeNull();
  });

  it("goes from tab to tab with the arrow keys, and one Tab leads to the search's neighbour", async () => {
    const { user } = panel();
    tab(/Districts/).focus();
    await user.keyboard("{ArrowRight}");
    expect(tab(/Faults/)).toHaveFocus();
    expect(tab(/Faults/)).toHaveAttribute("aria-selected", "true");
    expect(tab(/Districts/)).toHaveAttribute("tabindex", "-1");
    await user.keyboard("{ArrowRight}");
    expect(tab(/Districts/)).toHaveFocus();
  });

  it("counts devices with a fault on its tab, and nothing where there are none", () => {
    const { unmount } = panel({
      alarms: [alarm({ id: 1 }), alarm({ id: 2, lampId: "B" }), alarm({ id: 3 })],
    });
    expect(tab(/Faults/)).toHaveTextContent("Faults2");
    unmount();
    panel({ alarms: [] });
    expect(tab(/Faults/)).toHaveTextContent(/^Faults$/);
  });

  it("opens on the list that the address names", () => {
    setView({ panel: "faults" });
    panel();
    expect(tab(/Faults/)).toHaveAttribute("aria-selected", "true");
  });
});

describe("on a phone", () => {
  const opener = (name: RegExp) => screen.getByRole("button", { name });

  it("is two buttons, each of which opens its list in a sheet", async () => {
    const { user } = panel({ narrow: true });
    expect(screen.queryByRole("dialog")).toBeNull();
    await user.click(opener(/Faults/));
    expect(screen.getByRole("dialog", { name: "Faults" })).toHaveFocus();
    expect(screen.getByTestId("fault-list")).toBeVisible();
    expect(screen.queryByRole("navigation")).toBeNull();
  });

  it("names the sheet after the list that is shown", async () => {
    const { user } = panel({ narrow: true });
    await user.click(opener(/Districts/));
    await user.click(tab(/Faults/));
    expect(screen.getByRole("dialog", { name: "Faults" })).toBeVisible();
  });

  it("closes with Escape and gives the focus back to the button", async () => {
    const { user } = panel({ narrow: true });
    await user.click(opener(/Faults/));
    await user.keyboard("{Escape}");
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(opener(/Faults/)).toHaveFocus();
  });

  it("closes when an area is picked, which the map then shows", async () => {
    const { user } = panel({ narrow: true });
    await user.click(opener(/Districts/));
    await user.click(screen.getByRole("button", { name: /Katapang/ }));
    expect(currentView().areaId).toBe("2");
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("makes room for the lamp that is picked, buttons and all", async () => {
    const { user } = panel({ narrow: true });
    await user.click(opener(/Districts/));
    await user.type(screen.getByRole("combobox"), "KAT{Enter}");
    expect(currentView().lampId).toBe("KAT-1");
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(screen.queryByRole("navigation")).toBeNull();
  });

  it("keeps the sheet open where Escape only cleared the search", async () => {
    const { user } = panel({ narrow: true });
    await user.click(opener(/Districts/));
    await user.type(screen.getByRole("combobox"), "KAT{Escape}");
    expect(screen.getByRole("combobox")).toHaveValue("");
    expect(screen.getByRole("dialog")).toBeVisible();
  });
});
