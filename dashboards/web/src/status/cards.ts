import { portName, valuesOf } from "./device";
import { make } from "./dom";
import type { DeviceStatus, LineStatus } from "./model";
import { bulb, details, valueTable } from "./rows";
import type { StatusText } from "./text";

const TROUBLE = ["corrupt", "late", "foreign", "refused"] as const;

/** Below this a phase of 230 V counts as lost. */
const DEAD_PHASE_V = 80;

/** A line with its devices as beads and what was counted on it since the gateway started. */
export function lineCard(
  line: LineStatus,
  index: number,
  devices: DeviceStatus[],
  text: StatusText,
): HTMLElement {
  const { words } = text;
  const { counters } = line;
  const kind = !line.up ? "bad" : line.silent ? "wait" : "good";
  const state = line.up ? words.answering(line.devices - line.silent, line.devices) : words.lineDown;
  const counted = [
    words.traffic(text.number(counters.answers, 0), text.number(counters.requests, 0)),
    ...TROUBLE.filter((name) => counters[name]).map(
      (name) => `${text.number(counters[name], 0)} ${words[name]}`,
    ),
  ];
  return make(
    "section",
    { className: "card" },
    make("h3", {}, `${words.line} ${index + 1}`, make("span", { className: kind }, state)),
    line.problem && make("small", { className: "bad" }, line.problem),
    make(
      "div",
      { className: "beads", ariaHidden: "true" },
      [...devices].sort((a, b) => a.unit - b.unit).map((device) => bulb(device, text)),
    ),
    make("small", {}, `${portName(line.port)} · ${counted.join(", ")}`),
  );
}

/** A cabinet: door, breakers, contactor, photocell and phases at a glance, everything else folded away. */
export function cabinetCard(
  device: DeviceStatus,
  timeZone: string,
  open: Set<string>,
  text: StatusText,
): HTMLElement {
  const { words } = text;
  const silent = device.state === "unresponsive";
  const shown = silent ? [] : signs(device, text);
  return make(
    "section",
    { className: "card" },
    make(
      "h3",
      {},
      device.id,
      make("span", { className: silent ? "bad" : "good" }, silent ? words.silent : text.lastAnswer(device)),
    ),
    silent && make("small", {}, text.lastAnswer(device)),
    device.override && make("small", { className: "wait" }, text.override(device.override, timeZone)),
    shown.length > 0 && make("div", { className: "signs" }, shown),
    details(
      device.id,
      open,
      "",
      make("summary", { id: `pole-${device.id}` }, words.allValues),
      valueTable(device, timeZone, text),
    ),
  );
}

function signs(device: DeviceStatus, text: StatusText): HTMLElement[] {
  const { words } = text;
  const values = valuesOf(device);
  const shown: HTMLElement[] = [];
  const add = (name: string, value: string, bad = false) =>
    shown.push(make("div", {}, name, make("b", { className: bad ? "bad" : "" }, value)));
  const flag = (attribute: string, name: string, yes: string, no: string, isFault: boolean) => {
    const value = values[attribute];
    if (value !== undefined) add(name, value ? yes : no, isFault && Boolean(value));
  };
  flag("cabinetDoorOpen", words.door, words.open, words.closed, true);
  flag("circuitBreakerTripped", words.breaker, words.tripped, words.fine, true);
  const contactor = values.actualState;
  if (contactor !== undefined) {
    add(words.contactor, String(contactor).toLowerCase() === "on" ? words.on : words.off);
  }
  flag("photocellOutputOn", words.photocell, words.dark, words.light, false);
  const quantity = (attribute: string, name: string, lowest = Number.NEGATIVE_INFINITY) => {
    const measured = device.values.find((each) => each.attribute === attribute);
    if (measured) add(name, text.value(measured), Number(measured.value) < lowest);
  };
  quantity("totalPower", words.power);
  const phases = [1, 2, 3].filter((phase) => values[`phase${phase}Voltage`] !== undefined);
  for (const phase of phases) quantity(`phase${phase}Voltage`, `L${phase}`, DEAD_PHASE_V);
  if (phases.length === 0) quantity("supplyVoltage", words.value.supplyVoltage, DEAD_PHASE_V);
  return shown;
}
