import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { keys } from "../api/queries";
import { show } from "../testing/render";
import { fakeServer, noNetwork, Refusal } from "../testing/server";
import { LoginPage } from "./LoginPage";

const SESSION = { username: "ani", role: "operator" };

function login({ unreachable = false, language = "en" as "id" | "en" } = {}) {
  const server = fakeServer({ "POST /session": SESSION });
  return { server, ...show(<LoginPage unreachable={unreachable} />, { language }) };
}

const submit = () => screen.getByRole("button", { name: "Log in" });
const field = (name: string) => screen.getByLabelText(name, { selector: "input:not([type=radio])" });

describe("logging in", () => {
  it("sends the name without spaces around it and the password as it is", async () => {
    const { user, server } = login();
    expect(field("Username")).toHaveFocus();
    await user.type(field("Username"), " ani ");
    await user.type(field("Password"), " secret ");
    await user.click(submit());
    await waitFor(() => expect(server.to("POST /session")).toHaveLength(1));
    expect(server.to("POST /session")[0]?.body).toEqual({ username: "ani", password: " secret " });
  });

  it("goes with Enter", async () => {
    const { user, server } = login();
    await user.type(field("Username"), "ani");
    await user.type(field("Password"), "secret{Enter}");
    await waitFor(() => expect(server.to("POST /session")).toHaveLength(1));
  });

  it("sends a token alone", async () => {
    const { user, server } = login();
    await user.click(screen.getByRole("radio", { name: "Token" }));
    expect(screen.queryByLabelText("Password")).toBeNull();
    expect(screen.getByText(/One-time tokens are printed by “make demo”/)).toBeVisible();
    await user.type(field("Access token"), " abc ");
    await user.click(submit());
    await waitFor(() => expect(server.to("POST /session")).toHaveLength(1));
    expect(server.to("POST /session")[0]?.body).toEqual({ token: "abc" });
  });

  it("asks for the session again, which opens the desk", async () => {
    const { user, queries } = login();
    queries.setQueryData(keys.session, null);
    await user.type(field("Username"), "ani");
    await user.type(field("Password"), "secret{Enter}");
    await waitFor(() => expect(queries.getQueryData(keys.session)).toBeUndefined());
  });
});

describe("what goes wrong", () => {
  async function fails(answer: unknown, language: "id" | "en" = "en") {
    const { user, server, container } = login({ language });
    if (answer === "no network") noNetwork();
    else server.answers["POST /session"] = answer;
    const [username, password] = container.querySelectorAll("input:not([type=radio])");
    await user.type(username as Element, "ani");
    await user.type(password as Element, "wrong{Enter}");
    return await screen.findByRole("alert");
  }

  it.each([
    ["en", "Username, password or token is wrong."],
    ["id", "Nama pengguna, kata sandi, atau token salah."],
  ] as const)("is said in %s: wrong credentials", async (language, sentence) => {
    expect(await fails(new Refusal(401), language)).toHaveTextContent(sentence);
  });

  it("is said: a server that fails is not the person's fault", async () => {
    expect(await fails(new Refusal(503))).toHaveTextContent("The Lentera server cannot be reached.");
  });

  it("is said: no network", async () => {
    expect(await fails("no network")).toHaveTextContent("The Lentera server cannot be reached.");
  });

  it("is said before anything is typed where the server was not reached", () => {
    login({ unreachable: true });
    expect(screen.getByRole("alert")).toHaveTextContent("The Lentera server cannot be reached.");
  });

  it("is said once: the newer of both", async () => {
    const { user, server } = login({ unreachable: true });
    server.answers["POST /session"] = new Refusal(401);
    await user.type(field("Username"), "ani");
    await user.type(field("Password"), "wrong{Enter}");
    await screen.findByText("Username, password or token is wrong.");
    expect(screen.getAllByRole("alert")).toHaveLength(1);
  });
});
