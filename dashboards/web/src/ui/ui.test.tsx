import { fireEvent, screen } from "@testing-library/react";
import i18next from "i18next";
import { describe, expect, it, vi } from "vitest";
import { startI18n } from "../i18n";
import { show } from "../testing/render";
import { COLOURS } from "../theme/colours";
import { litColour } from "../theme/lampColour";
import { Card } from "./Card";
import { Failed } from "./Failed";
import { LampIcon } from "./LampIcon";
import { LanguageSwitch } from "./LanguageSwitch";
import { List, ListRow } from "./ListRow";
import { Sheet } from "./Sheet";

describe("Sheet", () => {
  function sheet() {
    const onClose = vi.fn();
    const shown = show(
      <Sheet label="Districts" onClose={onClose}>
        <input
          aria-label="inside"
          onKeyDown={(event) => event.currentTarget.value && event.preventDefault()}
        />
      </Sheet>,
    );
    return { ...shown, onClose };
  }
  const dialog = () => screen.getByRole("dialog", { name: "Districts" });
  const handle = () => screen.getByRole("button", { name: "Change the height of this sheet" });
  const drag = (from: number, to: number) => {
    // jsdom has no coordinates in pointer events, but those of the mouse.
    fireEvent(handle(), new MouseEvent("pointerdown", { bubbles: true, clientY: from }));
    fireEvent(handle(), new MouseEvent("pointerup", { bubbles: true, clientY: to }));
  };

  it("takes the focus when it opens, and is not modal: the map stays usable", () => {
    sheet();
    expect(dialog()).toHaveFocus();
    expect(dialog()).not.toHaveAttribute("aria-modal");
  });

  it("grows and shrinks with a tap on its handle", () => {
    const { onClose } = sheet();
    expect(handle()).toHaveAttribute("aria-expanded", "false");
    drag(300, 302);
    expect(handle()).toHaveAttribute("aria-expanded", "true");
    drag(300, 302);
    expect(handle()).toHaveAttribute("aria-expanded", "false");
    expect(onClose).not.toHaveBeenCalled();
  });

  it("grows when dragged up, shrinks when dragged down, and closes when dragged down again", () => {
    const { onClose } = sheet();
    drag(300, 100);
    expect(dialog()).toHaveAttribute("data-tall", "true");
    drag(100, 300);
    expect(dialog()).toHaveAttribute("data-tall", "false");
    expect(onClose).not.toHaveBeenCalled();
    drag(300, 400);
    expect(onClose).toHaveBeenCalledOnce();
  });

  it("grows with the keyboard", async () => {
    const { user } = sheet();
    await user.tab();
    expect(handle()).toHaveFocus();
    await user.keyboard("{Enter}");
    expect(handle()).toHaveAttribute("aria-expanded", "true");
  });

  it("closes with Escape, unless a field inside had a use for it", async () => {
    const { user, onClose } = sheet();
    await user.type(screen.getByLabelText("inside"), "x");
    await user.keyboard("{Escape}");
    expect(onClose).not.toHaveBeenCalled();
    fireEvent.change(screen.getByLabelText("inside"), { target: { value: "" } });
    await user.keyboard("{Escape}");
    expect(onClose).toHaveBeenCalledOnce();
  });
});

describe("ListRow", () => {
  it("is picked by its content and not by the control at its end", async () => {
    const onPick = vi.fn();
    const onAction = vi.fn();
    const action = (
      <button type="button" onClick={onAction}>
        other
      </button>
    );
    const { user } = show(
      <List aria-label="rows">
        <ListRow selected={false} onPick={onPick} action={action} data-testid="row">
          content
        </ListRow>
      </List>,
    );
    await user.click(screen.getByText("other"));
    expect([onPick.mock.calls.length, onAction.mock.calls.length]).toEqual([0, 1]);
    await user.click(screen.getByText("content"));
    expect(onPick).toHaveBeenCalledOnce();
    expect(screen.getByRole("list", { name: "rows" })).toContainElement(screen.getByTestId("row"));
  });

  it("says whether it is selected", () => {
    show(
      <ListRow selected onPick={() => {}}>
        content
      </ListRow>,
    );
    expect(screen.getByRole("button", { pressed: true })).toHaveTextContent("content");
  });
});

describe("LampIcon", () => {
  const drawn = (kind: "lit" | "off" | "fault" | "unknown", level?: number) => {
    const { container } = show(<LampIcon kind={kind} {...(level === undefined ? {} : { level })} />);
    return [...(container.querySelector("svg")?.children ?? [])];
  };

  it("differs by shape as well as by colour", () => {
    expect(drawn("fault").map((shape) => shape.tagName)).toEqual(["path"]);
    expect(drawn("lit").map((shape) => shape.tagName)).toEqual(["circle", "circle"]);
    expect(drawn("off")[0]).toHaveAttribute("fill", COLOURS.dark.off);
    expect(drawn("unknown")[0]).toHaveAttribute("fill", "none");
  });

  it("is as bright as the lamp", () => {
    expect(drawn("lit", 20)[1]).toHaveAttribute("fill", litColour(20, "dark"));
    expect(drawn("lit", 90)[1]).toHaveAttribute("fill", litColour(90, "dark"));
  });
});

it("Failed says what failed and tries again", async () => {
  const onRetry = vi.fn();
  const { user } = show(<Failed text="No luck." onRetry={onRetry} />);
  expect(screen.getByRole("alert")).toHaveTextContent("No luck.");
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(onRetry).toHaveBeenCalledOnce();
});

it("Card is the element that it is said to be", () => {
  show(
    <Card as="nav" className="place" aria-label="lists">
      content
    </Card>,
  );
  expect(screen.getByRole("navigation", { name: "lists" })).toHaveClass("place");
});

it("LanguageSwitch marks the language and changes it for the whole page", async () => {
  localStorage.setItem("lentera.language", "en");
  await startI18n();
  const { user } = show(<LanguageSwitch />);
  expect(screen.getByRole("radio", { name: "EN" })).toBeChecked();
  await user.click(screen.getByText("ID"));
  expect(i18next.language).toBe("id");
  expect(document.documentElement.lang).toBe("id");
});
