import { screen, waitFor } from "@testing-library/react";
import i18next from "i18next";
import { beforeEach, describe, expect, it } from "vitest";
import { keys } from "../api/queries";
import { startI18n } from "../i18n";
import { show } from "../testing/render";
import { fakeServer } from "../testing/server";
import { useThemeChoice } from "../theme/themeChoice";
import { BarMenu } from "./BarMenu";

function Choice() {
  return <output data-testid="choice">{useThemeChoice()}</output>;
}

async function open() {
  const server = fakeServer({
    "DELETE /session": null,
    "GET /session": { username: "ani", role: "operator" },
  });
  const shown = show(
    <>
      <BarMenu />
      <Choice />
    </>,
    { known: (queries) => queries.setQueryData(keys.session, { username: "ani", role: "operator" }) },
  );
  await shown.user.click(screen.getByRole("button", { name: "User menu" }));
  return { ...shown, server };
}

const item = (name: string) => screen.findByRole("menuitem", { name });

describe("the theme", () => {
  it("follows the sun unless chosen otherwise", async () => {
    await open();
    expect(await item("Follow the sun")).toHaveAttribute("aria-current", "true");
    expect(screen.getByTestId("choice")).toHaveTextContent("auto");
  });

  it("is chosen, shown as chosen and kept for the next visit", async () => {
    const { user } = await open();
    await user.click(await item("Day"));
    expect(screen.getByTestId("choice")).toHaveTextContent("light");
    expect(localStorage.getItem("lentera.theme")).toBe("light");
    await user.click(screen.getByRole("button", { name: "User menu" }));
    expect(await item("Day")).toHaveAttribute("aria-current", "true");
    await user.click(await item("Follow the sun"));
    expect(screen.getByTestId("choice")).toHaveTextContent("auto");
  });

  it("falls back to the sun where what is kept makes no sense", async () => {
    localStorage.setItem("lentera.theme", "purple");
    await open();
    expect(screen.getByTestId("choice")).toHaveTextContent("auto");
  });
});

describe("the language", () => {
  beforeEach(async () => {
    localStorage.setItem("lentera.language", "en");
    await startI18n();
  });

  it("is listed in its own words and marked", async () => {
    await open();
    expect(await item("English")).toHaveAttribute("aria-current", "true");
    expect(await item("Bahasa Indonesia")).toHaveAttribute("lang", "id");
  });

  it("is changed for the page, its document and the next visit", async () => {
    const { user } = await open();
    await user.click(await item("Bahasa Indonesia"));
    await waitFor(() => expect(i18next.language).toBe("id"));
    expect(document.documentElement.lang).toBe("id");
    expect(localStorage.getItem("lentera.language")).toBe("id");
    expect(i18next.t("bar.logOut")).toBe("Keluar");
  });
});

describe("the account", () => {
  it("is named", async () => {
    await open();
    expect(await screen.findByText("ani")).toBeVisible();
  });

  it("is logged out, and the session is requested again", async () => {
    const { user, server } = await open();
    await user.click(await item("Log out"));
    await waitFor(() => expect(server.to("DELETE /session")).toHaveLength(1));
    await waitFor(() => expect(server.to("GET /session").length).toBeGreaterThan(0));
  });

  it("can be reached with the keyboard alone", async () => {
    const { user, server } = await open();
    await item("Log out");
    await user.keyboard("{ArrowDown}{End}{Enter}");
    await waitFor(() => expect(server.to("DELETE /session")).toHaveLength(1));
  });
});
