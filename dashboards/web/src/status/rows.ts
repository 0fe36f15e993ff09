import { faultOf, isLamp, levelOf, portName } from "./device";
import { make } from "./dom";
import type { DeviceStatus, ValueStatus } from "./model";
import type { StatusText } from "./text";

const IN_SUMMARY = ["supplyVoltage", "activePower", "totalPower"];

/** A device as a small picture: filled as bright as it is lit, striped when something is wrong. */
export function bulb(device: DeviceStatus, text: StatusText): HTMLElement {
  const level = levelOf(device);
  const node = make("i", { className: `bulb ${bulbLook(device, level, text)}`, ariaHidden: "true" });
  node.style.setProperty("--level", String((level ?? 0) / 100));
  return node;
}

function bulbLook(device: DeviceStatus, level: number | undefined, text: StatusText): string {
  if (faultOf(device, text)) return "fault";
  if (!isLamp(device)) return "box";
  if (level === undefined) return "unknown";
  return level > 0 ? "lit" : "off";
}

/** A lamp or cabinet in one line that opens to all of its values; `open` remembers which are open. */
export function deviceRow(
  device: DeviceStatus,
  timeZone: string,
  open: Set<string>,
  text: StatusText,
): HTMLElement {
  const { override } = device;
  const fault = faultOf(device, text);
  const level = levelOf(device);
  const summary = make(
    "summary",
    { id: `pole-${device.id}` },
    bulb(device, text),
    make("b", {}, device.id),
    level !== undefined && isLamp(device) && make("em", {}, `${text.number(level, 0)} %`),
    fault && make("span", { className: "bad" }, fault),
    override && make("span", { className: "wait" }, text.override(override, timeZone)),
    make("span", {}, situation(device, text)),
  );
  return details(device.id, open, fault ? "fault" : "", summary, valueTable(device, timeZone, text));
}

function situation(device: DeviceStatus, text: StatusText): string {
  const polled = device.state === "responsive" || device.state === "unresponsive";
  const reason = polled ? device.reason && text.reason(device.reason) : text.words.notPolled;
  const measured =
    device.state === "unresponsive"
      ? []
      : device.values.filter((each) => IN_SUMMARY.includes(each.attribute));
  return [reason, ...measured.map((each) => text.value(each)), text.lastAnswer(device)]
    .filter(Boolean)
    .join(" · ");
}

/** A `details` element that stays open when the page is drawn again. */
export function details(
  id: string,
  open: Set<string>,
  className: string,
  summary: HTMLElement,
  content: HTMLElement,
): HTMLElement {
  const node = make("details", { className, open: open.has(id) }, summary, content);
  node.addEventListener("toggle", () => {
    if (node.open) open.add(id);
    else open.delete(id);
  });
  return node;
}

export function valueTable(device: DeviceStatus, timeZone: string, text: StatusText): HTMLElement {
  const row = (attribute: string, value: ValueStatus["value"] | null, unit = "") =>
    value !== null &&
    make(
      "tr",
      {},
      make("th", { scope: "row" }, text.nameOf(attribute)),
      make("td", {}, text.value({ value, unit })),
    );
  return make(
    "table",
    {},
    row("unit", device.unit),
    row("line", portName(device.line)),
    row("profile", device.profile.split("/").pop() ?? ""),
    row("targetLevel", device.targetLevel, "%"),
    row("until", device.until && text.clockTime(device.until, timeZone, true)),
    device.values.map((each) => row(each.attribute, each.value, each.unit)),
    row("failures", device.failures || null),
  );
}
