import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { ApiError } from "../api/client";
import { keys } from "../api/queries";
import type { CommandView } from "../api/types";
import { commandView } from "../testing/lamps";
import { show } from "../testing/render";
import { noNetwork } from "../testing/server";
import { CommandStatus } from "./CommandStatus";

type Language = "id" | "en";

function status(command: CommandView, language: Language = "en") {
  show(<CommandStatus commandId="c" refused={null} />, {
    language,
    known: (queries) => queries.setQueryData(keys.command("c"), command),
  });
  return screen.getByTestId("command-status");
}

function refusal(error: Error, language: Language) {
  show(<CommandStatus commandId={null} refused={error} />, { language });
  return screen.getByTestId("command-status");
}

describe("the state of a command", () => {
  it.each([
    ["pending", "Waiting for the lamp to confirm…"],
    ["failed", "Failed. The lamp did not carry out the command."],
    ["partial", "Partly failed. Not every lamp carried out the command."],
    ["expired", "No confirmation before the deadline. The command was not carried out."],
  ] as const)("%s is a sentence", (state, sentence) => {
    const shown = status(commandView(state));
    expect(shown).toHaveAttribute("data-status", state);
    expect(shown.textContent).toBe(sentence);
  });

  it("names the level that the lamp confirmed, which may differ from the commanded one", () => {
    const results = [{ lampId: "A", status: "confirmed" as const, level: 35, detail: "", time: null }];
    expect(status({ ...commandView("confirmed"), results })).toHaveTextContent("Confirmed by the lamp: 35 %");
  });

  it("names no level where an override was ended", () => {
    const shown = status({ ...commandView("confirmed"), level: null });
    expect(shown).toHaveTextContent("Confirmed: following its program again");
  });

  it("gives the reason of the first lamp that failed", () => {
    const shown = status(commandView("failed", "no answer on the line"));
    expect(shown.querySelector("small")).toHaveTextContent("no answer on the line");
  });

  it("gives no reason of lamps that confirmed", () => {
    const results = [
      { lampId: "A", status: "confirmed" as const, level: 40, detail: "late", time: null },
      { lampId: "B", status: "failed" as const, level: null, detail: "unit 12 is silent", time: null },
    ];
    const shown = status({ ...commandView("partial"), results });
    expect(shown).toHaveTextContent("unit 12 is silent");
    expect(shown).not.toHaveTextContent("late");
  });

  it("is nothing before the first command", () => {
    noNetwork();
    show(<CommandStatus commandId={null} refused={null} />);
    expect(screen.queryByRole("status")).toBeNull();
  });
});

describe("a refused command", () => {
  const refused = new ApiError(422, {
    type: "about:blank",
    title: "Unprocessable",
    status: 422,
    detail: "level is out of range",
    errors: [{ field: "level", value: 140, expected: "0 to 100" }],
  });

  it("repeats in English what the server expected", () => {
    const shown = refusal(refused, "en");
    expect(shown).toHaveAttribute("data-status", "refused");
    expect(shown).toHaveTextContent(
      "Refused: A value is not allowed. level is out of range (level: 0 to 100)",
    );
  });

  it("keeps the server's English out of Indonesian", () => {
    const shown = refusal(refused, "id");
    expect(shown).toHaveTextContent("Ditolak: Ada nilai yang tidak diperbolehkan.");
    expect(shown).not.toHaveTextContent("out of range");
  });

  it("says that the server cannot be reached where no answer came", () => {
    expect(refusal(new TypeError("Failed to fetch"), "en")).toHaveTextContent(
      "Refused: The server cannot be reached.",
    );
  });

  it("has a sentence for every other status", () => {
    expect(refusal(new ApiError(500, null), "id")).toHaveTextContent("Peladen tidak dapat memproses");
  });
});
