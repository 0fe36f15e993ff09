import { vi } from "vitest";

/** A request that the page sent. */
export interface Sent {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
}

type Answer = unknown | ((sent: Sent) => unknown);

/** An answer with a status other than 200, as RFC 9457 problem details where there is a title. */
export class Refusal {
  readonly status: number;
  readonly problem: object;

  constructor(status: number, problem: object = {}) {
    this.status = status;
    this.problem = { type: "about:blank", title: "Refused", status, ...problem };
  }
}

/** Answers the page's requests by `METHOD /path`, and keeps what was sent; anything else is a 404. */
export function fakeServer(answers: Record<string, Answer>) {
  const sent: Sent[] = [];
  const reply = async (address: string, init?: RequestInit): Promise<Response> => {
    const url = new URL(address, "http://lentera.test");
    const path = url.pathname.replace("/api/v1", "");
    const method = init?.method ?? "GET";
    const body = typeof init?.body === "string" ? JSON.parse(init.body) : undefined;
    const request = { method, path, query: url.searchParams, body };
    sent.push(request);
    const known = answers[`${method} ${path}`];
    const answer = typeof known === "function" ? await known(request) : known;
    if (answer === undefined) return problem(new Refusal(404));
    if (answer instanceof Refusal) return problem(answer);
    if (answer === null) return new Response(null, { status: 204 });
    return Response.json(answer);
  };
  vi.stubGlobal("fetch", reply);
  return {
    answers,
    sent,
    to: (request: string) => sent.filter(({ method, path }) => `${method} ${path}` === request),
  };
}

const problem = ({ status, problem: body }: Refusal) =>
  new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/problem+json" },
  });

/** Every request fails as it does without a network. */
export function noNetwork(): void {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
}
