import { describe, expect, it } from "vitest";
import { ApiError } from "../api/client";
import { keys } from "../api/queries";
import type { CommandView } from "../api/types";
import { lampState } from "../testing/lamps";
import { markup } from "../testing/markup";
import { CommandStatus } from "./CommandStatus";
import { LightControl } from "./LightControl";

const command = (status: CommandView["status"], detail = ""): CommandView => ({
  id: "c",
  createdAt: "2025-11-24T11:00:00Z",
  requestedBy: "operator",
  note: "",
  level: 40,
  expiration: null,
  deadline: "2025-11-24T11:00:30Z",
  status,
  results: [{ lampId: "SOR-00001", status, level: status === "confirmed" ? 40 : null, detail, time: null }],
});

const status = (view: CommandView) =>
  markup(<CommandStatus commandId="c" refused={null} />, "en", (queries) =>
    queries.setQueryData(keys.command("c"), view),
  );

describe("who may set lamps", () => {
  const held = lampState({
    override: { commandId: "c", expiration: null, note: "", requestedBy: "operator" },
  });

  it("has the form, and can end an override", () => {
    const html = markup(<LightControl lamp={held} canCommand />, "en");
    for (const part of ["<form", "level-slider", "send-command", "release-command"])
      expect(html).toContain(part);
  });

  it("a viewer has a sentence instead that says whom to ask, in both languages", () => {
    const english = markup(<LightControl lamp={held} canCommand={false} />, "en");
    expect(english).toContain("Your account can only watch. Ask for the operator role to set lamps.");
    const indonesian = markup(<LightControl lamp={held} canCommand={false} />, "id");
    expect(indonesian).toContain("Akun Anda hanya dapat melihat.");
    for (const part of ["<form", "<button", "<input"]) expect(english + indonesian).not.toContain(part);
  });
});

describe("what became of a command", () => {
  it("is told with the reason when it failed", () => {
    const html = status(command("failed", "no answer on the line"));
    expect(html).toContain('data-status="failed"');
    expect(html).toContain("Failed. The lamp did not do as asked.<small>no answer on the line</small>");
  });

  it("is told without a reason when none came", () => {
    expect(status(command("failed"))).toContain("Failed. The lamp did not do as asked.</span>");
  });

  it("is the level that the lamp confirmed", () => {
    expect(status(command("confirmed"))).toContain("Confirmed by the lamp: 40\u00a0%");
  });

  it("is silence when the deadline has passed", () => {
    expect(status(command("expired"))).toContain("No answer before the deadline");
  });

  it("is the server's refusal, with what it expected", () => {
    const refused = new ApiError(422, {
      type: "about:blank",
      title: "Unprocessable",
      status: 422,
      detail: "level is out of range",
      errors: [{ field: "level", value: 140, expected: "0 to 100" }],
    });
    const html = markup(<CommandStatus commandId={null} refused={refused} />, "en");
    expect(html).toContain('data-status="refused"');
    expect(html).toContain("Refused: A value is not allowed. level is out of range (level: 0 to 100)");
    const indonesian = markup(<CommandStatus commandId={null} refused={refused} />, "id");
    expect(indonesian).toContain("Ditolak: Ada nilai yang tidak diperbolehkan.");
    expect(indonesian).not.toContain("out of range");
  });

  it("is nothing before there was one", () => {
    expect(markup(<CommandStatus commandId={null} refused={null} />, "en")).not.toContain("command-status");
  });
});
