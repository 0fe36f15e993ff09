import type {
  Alarm,
  AlarmPage,
  AreaList,
  CommandRequest,
  CommandView,
  Credentials,
  LampDetail,
  LampPage,
  LampState,
  Night,
  Problem,
  Roads,
  Session,
  Summary,
  Telemetry,
} from "./types";

const BASE = "/api/v1";
const LAMP_PAGE = 5000;
const ALARM_PAGE = 1000;

/** An answer the API refused with; `problem` is its RFC 9457 body. */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Problem | null;

  constructor(status: number, problem: Problem | null) {
    super(describe(status, problem));
    this.name = "ApiError";
    this.status = status;
    this.problem = problem;
  }
}

function describe(status: number, problem: Problem | null): string {
  const fields = (problem?.errors ?? []).map((error) =>
    [error.field, error.expected].filter(Boolean).join(": "),
  );
  const text = problem?.detail ?? problem?.title ?? `HTTP ${status}`;
  return fields.length > 0 ? `${text} (${fields.join("; ")})` : text;
}

async function problemOf(response: Response): Promise<Problem | null> {
  if (!response.headers.get("content-type")?.includes("json")) return null;
  return (await response.json()) as Problem;
}

async function request<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(BASE + path, { credentials: "same-origin", ...init });
  if (!response.ok) throw new ApiError(response.status, await problemOf(response));
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

function post<T>(path: string, body?: unknown): Promise<T> {
  return request<T>(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
}

const item = (id: string | number) => encodeURIComponent(id);

export const api = {
  session: () => request<Session>("/session"),
  logIn: (credentials: Credentials) => post<Session>("/session", credentials),
  logOut: () => request<void>("/session", { method: "DELETE" }),
  summary: () => request<Summary>("/summary"),
  areas: async () => (await request<AreaList>("/areas")).items,
  roads: () => request<Roads>("/roads"),
  night: () => request<Night>("/night"),
  lamp: (id: string) => request<LampDetail>(`/lamps/${item(id)}`),
  telemetry: (id: string, attributes: string[], from: string, to: string) => {
    const query = new URLSearchParams({ attributes: attributes.join(","), from, to, maxPoints: "300" });
    return request<Telemetry>(`/lamps/${item(id)}/telemetry?${query}`);
  },
  sendCommand: (command: CommandRequest) => post<CommandView>("/commands", command),
  command: (id: string) => request<CommandView>(`/commands/${item(id)}`),
  acknowledge: (id: number) => post<Alarm>(`/alarms/${item(id)}/acknowledge`),
};

/** Every lamp, page by page, so that the first ones are on the map while the rest is on its way. */
export async function* allLamps(signal: AbortSignal): AsyncGenerator<LampState[]> {
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({ limit: String(LAMP_PAGE) });
    if (cursor) query.set("cursor", cursor);
    const page: LampPage = await request(`/lamps?${query}`, { signal });
    yield page.items;
    cursor = page.nextCursor;
  } while (cursor);
}

/** Every alarm that holds, however many: a city without power has one for each lamp. */
export async function activeAlarms(): Promise<Alarm[]> {
  const alarms: Alarm[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({ state: "active", limit: String(ALARM_PAGE) });
    if (cursor) query.set("cursor", cursor);
    const page: AlarmPage = await request(`/alarms?${query}`);
    alarms.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor);
  return alarms;
}
