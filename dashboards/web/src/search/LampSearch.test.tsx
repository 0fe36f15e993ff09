import { act, screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { currentView } from "../state/view";
import { lampState } from "../testing/lamps";
import { show, testDesk } from "../testing/render";
import { LampSearch } from "./LampSearch";

const LAMPS = [
  lampState({ id: "SOR-00001", road: "Jl. Al-Fathu" }),
  lampState({ id: "SOR-00002", road: "Jl. Sadu", state: "fault" }),
  lampState({ id: "KAT-00001", road: "Jl. Sadu", state: "unknown" }),
];

const box = () => screen.getByRole("combobox", { name: "Find a pole or a road" });
const options = () => screen.queryAllByRole("option").map((option) => option.textContent);

function search(lamps = LAMPS) {
  return show(
    <>
      <LampSearch />
      <button type="button">elsewhere</button>
    </>,
    { desk: testDesk(lamps) },
  );
}

describe("finding a lamp", () => {
  it("lists nothing before something is typed", () => {
    search();
    expect(box()).toHaveAttribute("aria-expanded", "false");
    expect(screen.queryByRole("listbox")).toBeNull();
  });

  it("lists every match with its road and its state", async () => {
    const { user } = search();
    await user.type(box(), "sadu");
    expect(box()).toHaveAttribute("aria-expanded", "true");
    expect(options()).toEqual(["KAT-00001Jl. Sadu", "SOR-00002Jl. Sadu"]);
    const kinds = screen.getAllByRole("option").map((option) => option.querySelector("svg")?.dataset.kind);
    expect(kinds).toEqual(["unknown", "fault"]);
  });

  it("says so when nothing matches", async () => {
    const { user } = search();
    await user.type(box(), "xyz");
    expect(screen.getByRole("status")).toHaveTextContent("No pole or road matches “xyz”.");
    await user.keyboard("{Enter}");
    expect(currentView().lampId).toBeNull();
  });

  it("shows eight and counts the others", async () => {
    const { user } = search(
      Array.from({ length: 30 }, (_, index) => lampState({ id: `SOR-${100 + index}` })),
    );
    await user.type(box(), "sor");
    expect(options()).toHaveLength(8);
    expect(screen.getByRole("status")).toHaveTextContent("22 more. Type more to narrow the search.");
  });

  it("follows the lamps that are loaded while it is open", async () => {
    const { user, desk } = search([]);
    await user.type(box(), "sor");
    expect(options()).toEqual([]);
    act(() => desk.store.upsert([lampState({ id: "SOR-00009", road: "Jl. Sadu" })]));
    expect(options()).toEqual(["SOR-00009Jl. Sadu"]);
  });
});

describe("picking a lamp", () => {
  it("takes the first match with Enter, clears the search and keeps the focus there", async () => {
    const { user } = search();
    await user.type(box(), "sor{Enter}");
    expect(currentView().lampId).toBe("SOR-00001");
    expect(box()).toHaveValue("");
    expect(box()).toHaveFocus();
    expect(screen.queryByRole("listbox")).toBeNull();
  });

  it("takes the match that the arrows went to", async () => {
    const { user } = search();
    await user.type(box(), "sor{ArrowDown}");
    const active = document.getElementById(box().getAttribute("aria-activedescendant") ?? "");
    expect(active).toHaveTextContent("SOR-00002");
    await user.keyboard("{Enter}");
    expect(currentView().lampId).toBe("SOR-00002");
  });

  it("goes round with the arrows", async () => {
    const { user } = search();
    await user.type(box(), "sor{ArrowUp}{Enter}");
    expect(currentView().lampId).toBe("SOR-00002");
  });

  it("begins at the first match again after every letter", async () => {
    const { user } = search();
    await user.type(box(), "so{ArrowDown}r{Enter}");
    expect(currentView().lampId).toBe("SOR-00001");
  });

  it("takes the one that is pressed", async () => {
    const { user } = search();
    await user.type(box(), "sadu");
    await user.click(within(screen.getByRole("listbox")).getByText("KAT-00001"));
    expect(currentView().lampId).toBe("KAT-00001");
    expect(box()).toHaveFocus();
  });
});

describe("the keyboard", () => {
  it("comes to the search with a slash from anywhere", async () => {
    const { user } = search();
    await user.click(screen.getByRole("button", { name: "elsewhere" }));
    await user.keyboard("/");
    expect(box()).toHaveFocus();
    expect(box()).toHaveValue("");
  });

  it("can still type a slash", async () => {
    const { user } = search();
    await user.type(box(), "3/4");
    expect(box()).toHaveValue("3/4");
  });

  it("clears the search with Escape, and only then lets Escape through", async () => {
    const passed: boolean[] = [];
    const listen = (event: KeyboardEvent) => {
      if (event.key === "Escape") passed.push(!event.defaultPrevented);
    };
    window.addEventListener("keydown", listen);
    const { user } = search();
    await user.type(box(), "sor{Escape}");
    expect(box()).toHaveValue("");
    await user.keyboard("{Escape}");
    expect(passed).toEqual([false, true]);
    window.removeEventListener("keydown", listen);
  });
});
