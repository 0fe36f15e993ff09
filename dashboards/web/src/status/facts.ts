import { make } from "./dom";
import type { GatewayStatus } from "./model";
import type { StatusText } from "./text";

type Kind = "good" | "wait" | "bad";

const MARKS: Record<Kind, string> = { good: "✓", wait: "…", bad: "✗" };

function fact(kind: Kind, name: string, value: string, ...notes: (string | null | false)[]): HTMLElement {
  return make(
    "div",
    { className: `fact is-${kind}` },
    make("dt", {}, name, make("span", { className: kind, ariaHidden: "true" }, MARKS[kind])),
    make("dd", { className: kind === "good" ? "" : kind }, value),
    notes.map((note) => note && make("small", {}, note)),
  );
}

/** Clock, plan, way to the cloud and outbox: what a gateway needs to work and to lose nothing. */
export function facts(gateway: GatewayStatus, text: StatusText): HTMLElement {
  return make(
    "dl",
    { className: "facts" },
    clockFact(gateway, text),
    planFact(gateway, text),
    cloudFact(gateway, text),
    outboxFact(gateway, text),
  );
}

function clockFact({ clock }: GatewayStatus, text: StatusText): HTMLElement {
  const { words } = text;
  const note = clock.trusted ? `${clock.timeZone}, ${words.clockGood}` : words.clockBad;
  return fact(
    clock.trusted ? "good" : "bad",
    words.clock,
    text.clockTime(clock.time, clock.timeZone, true),
    note,
  );
}

function planFact({ plan, clock }: GatewayStatus, text: StatusText): HTMLElement {
  const { words } = text;
  const next =
    plan.nextChange && plan.nextLevel !== null
      ? words.next(text.clockTime(plan.nextChange, clock.timeZone), text.number(plan.nextLevel, 0))
      : "";
  return fact(
    plan.problem ? "bad" : clock.trusted ? "good" : "wait",
    words.plan,
    plan.hash ? plan.hash.slice(0, 8) : words.planBuiltIn,
    clock.trusted ? next : words.planHeld,
    plan.problem && words.planRefused(plan.problem),
  );
}

function cloudFact({ uplink }: GatewayStatus, text: StatusText): HTMLElement {
  const { words } = text;
  if (uplink.state === "online") {
    const inFlight = uplink.inFlight > 0 && words.inFlight(text.number(uplink.inFlight, 0));
    return fact("good", words.cloud, words.online, inFlight, uplink.problem);
  }
  const waiting = uplink.state === "waiting";
  return fact(
    waiting ? "wait" : "bad",
    words.cloud,
    waiting ? words.waiting : words.down,
    words.planContinues,
    uplink.problem,
  );
}

function outboxFact({ outbox, uplink }: GatewayStatus, text: StatusText): HTMLElement {
  const { words } = text;
  const waits = outbox.depth > 0 && uplink.state !== "online";
  const depth = outbox.depth > 0 ? words.records(text.number(outbox.depth, 0)) : words.empty;
  return fact(
    outbox.failing ? "bad" : waits ? "wait" : "good",
    words.outbox,
    outbox.failing ? words.failing : depth,
    words.onDisk(text.bytes(outbox.sizeBytes)),
    outbox.decimated > 0 && words.decimated(text.number(outbox.decimated, 0)),
  );
}
