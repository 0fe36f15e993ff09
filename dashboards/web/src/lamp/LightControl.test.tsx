import { fireEvent, screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { keys } from "../api/queries";
import type { LampState } from "../api/types";
import { commandView, lampState } from "../testing/lamps";
import { show } from "../testing/render";
import { fakeServer, Refusal } from "../testing/server";
import { LightControl } from "./LightControl";

const OVERRIDDEN = lampState({
  override: { commandId: "c", expiration: null, note: "", requestedBy: "operator" },
});

const slider = () => screen.getByRole("slider", { name: "Light level" });
const send = () => screen.getByTestId("send-command");

function control(lamp: LampState = lampState(), canCommand = true, language: "id" | "en" = "en") {
  const server = fakeServer({
    "POST /commands": commandView("pending"),
    "GET /commands/c": commandView("pending"),
  });
  const shown = show(<LightControl lamp={lamp} canCommand={canCommand} />, { language });
  return { ...shown, server, commands: () => server.to("POST /commands").map(({ body }) => body) };
}

describe("the level to send", () => {
  it("begins at the lamp's target", () => {
    control(lampState({ targetLightCommand: 65.4, actualLightState: 20 }));
    expect(slider()).toHaveValue("65");
    expect(send()).toHaveTextContent("Send 65 %");
  });

  it("begins at the measured level where there is no target, at full light where nothing is known", () => {
    const { unmount } = control(lampState({ targetLightCommand: null, actualLightState: 20 }));
    expect(slider()).toHaveValue("20");
    unmount();
    control(lampState({ targetLightCommand: null, actualLightState: null }));
    expect(slider()).toHaveValue("100");
  });

  it("follows the slider and says its value with the unit", () => {
    control();
    fireEvent.change(slider(), { target: { value: "30" } });
    expect(slider()).toHaveAttribute("aria-valuetext", "30\u00a0%");
    expect(send()).toHaveTextContent("Send 30 %");
  });

  it.each([
    ["Off", "0"],
    ["50.%", "50"],
    ["On", "100"],
  ])("has a button for %s", async (name, value) => {
    const { user, commands } = control(lampState({ targetLightCommand: 70 }));
    await user.click(screen.getByRole("button", { name: new RegExp(`^${name}$`) }));
    expect(slider()).toHaveValue(value);
    expect(commands()).toEqual([]);
  });

  it("is not changed by what the lamp reports meanwhile", async () => {
    const { rerender } = control(lampState({ targetLightCommand: 70 }));
    fireEvent.change(slider(), { target: { value: "30" } });
    rerender(<LightControl lamp={lampState({ targetLightCommand: 50 })} canCommand />);
    expect(slider()).toHaveValue("30");
  });
});

describe("sending", () => {
  it("overrides for two hours unless another time is chosen", async () => {
    const { user, commands } = control();
    await user.click(send());
    expect(commands()).toEqual([{ lampIds: ["SOR-00001"], level: 100, duration: 7200, note: "" }]);
    expect(await screen.findByTestId("command-status")).toHaveAttribute("data-status", "pending");
  });

  it("takes the chosen time and a trimmed reason", async () => {
    const { user, commands } = control();
    await user.selectOptions(screen.getByLabelText("For"), "30 minutes");
    await user.type(screen.getByLabelText("Reason"), "  road works ");
    fireEvent.change(slider(), { target: { value: "40" } });
    await user.click(send());
    expect(commands()).toEqual([{ lampIds: ["SOR-00001"], level: 40, duration: 1800, note: "road works" }]);
  });

  it("can last until it is cancelled", async () => {
    const { user, commands } = control();
    await user.selectOptions(screen.getByLabelText("For"), "until cancelled");
    await user.click(send());
    expect(commands()).toMatchObject([{ duration: null }]);
  });

  it("goes with Enter in the reason as well", async () => {
    const { user, commands } = control();
    await user.type(screen.getByLabelText("Reason"), "test{Enter}");
    expect(commands()).toMatchObject([{ note: "test" }]);
  });

  it("shows the confirmation that the live stream brings", async () => {
    const { user, queries } = control();
    await user.click(send());
    await screen.findByTestId("command-status");
    queries.setQueryData(keys.command("c"), commandView("confirmed"));
    await waitFor(() =>
      expect(screen.getByTestId("command-status")).toHaveTextContent("Confirmed by the lamp: 40 %"),
    );
  });

  it("says why the server refused, and may be tried again", async () => {
    const { user, server } = control();
    server.answers["POST /commands"] = new Refusal(403, { detail: "operators only" });
    await user.click(send());
    expect(await screen.findByText(/Refused: Your account may not do this\. operators only/)).toBeVisible();
    server.answers["POST /commands"] = commandView("pending");
    await user.click(send());
    expect(await screen.findByText("Waiting for the lamp to confirm…")).toBeVisible();
  });
});

describe("an override in force", () => {
  it("is ended by a command without a level or a time", async () => {
    const { user, commands } = control(OVERRIDDEN);
    await user.click(screen.getByRole("button", { name: "Return to the program" }));
    expect(commands()).toEqual([{ lampIds: ["SOR-00001"], level: null, duration: null, note: "" }]);
  });

  it("is what can be ended: nothing else", () => {
    control(lampState());
    expect(screen.queryByTestId("release-command")).toBeNull();
  });
});

describe("a viewer", () => {
  it.each([
    ["en", "Your account is read-only. Ask for the operator role to set lamps."],
    ["id", "Akun Anda hanya dapat melihat. Mintalah hak operator untuk mengatur lampu."],
  ] as const)("reads whom to ask, in %s, and can change nothing", (language, sentence) => {
    const { container } = control(OVERRIDDEN, false, language);
    expect(screen.getByText(sentence)).toBeVisible();
    expect(container.querySelector("form, button, input")).toBeNull();
  });
});
