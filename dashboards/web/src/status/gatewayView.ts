import { cabinetCard, lineCard } from "./cards";
import { type Filter, faultOf, isLamp, passes } from "./device";
import { make } from "./dom";
import { facts } from "./facts";
import type { DeviceStatus, GatewayStatus } from "./model";
import { deviceRow } from "./rows";
import type { StatusText } from "./text";

/** What the person has chosen to see; it outlives every redraw. */
export interface Selection {
  /** Part of a pole number. */
  search: string;
  only: Filter | null;
  /** Ids of the devices whose values are open. */
  open: Set<string>;
}

interface Shown {
  gateway: GatewayStatus;
  selection: Selection;
  text: StatusText;
}

/** One gateway: counts, its facts, lines and cabinets on one side, its lamps on the other. */
export function gatewayView(shown: Shown, onChoice: () => void): HTMLElement {
  const { gateway, selection, text } = shown;
  const { words } = text;
  const { timeZone } = gateway.clock;
  const cabinets = gateway.devices.filter((device) => !isLamp(device));
  const manyLines = gateway.lines.length > 1;
  return make(
    "div",
    { className: "whole" },
    tiles(shown, onChoice),
    make(
      "div",
      { className: "side" },
      facts(gateway, text),
      make("h2", {}, manyLines ? words.linesOf(gateway.lines.length) : words.line),
      gateway.lines.map((line, index) =>
        lineCard(
          line,
          index,
          gateway.devices.filter((device) => device.line === line.port),
          text,
        ),
      ),
      cabinets.length > 0 && make("h2", {}, words.cabinets),
      cabinets.map((device) => cabinetCard(device, timeZone, selection.open, text)),
    ),
    lampList(shown),
  );
}

function tiles({ gateway, selection, text }: Shown, onChoice: () => void): HTMLElement {
  const { words } = text;
  const lamps = gateway.devices.filter(isLamp);
  const tile = (filter: Filter, label: string, devices: DeviceStatus[], total?: number) => {
    const count = devices.filter((device) => passes(filter, device, text)).length;
    const button = make(
      "button",
      {
        type: "button",
        id: `only-${filter}`,
        ariaPressed: String(selection.only === filter),
        className: filter === "faults" && count > 0 ? "alert" : "",
      },
      make("b", {}, label),
      " ",
      make(
        "span",
        {},
        text.number(count, 0),
        total ? make("small", {}, ` / ${text.number(total, 0)}`) : null,
      ),
    );
    button.addEventListener("click", () => {
      selection.only = selection.only === filter ? null : filter;
      onChoice();
    });
    return button;
  };
  return make(
    "div",
    { className: "tiles" },
    tile("lit", words.lit, lamps, lamps.length),
    tile("faults", words.faults, gateway.devices),
    tile("forced", words.forced, lamps),
  );
}

function lampList(shown: Shown): HTMLElement {
  const { gateway, selection, text } = shown;
  const { words } = text;
  const list = make("div", { className: "lamps" });
  const count = make("span", {});
  const search = make("input", {
    type: "search",
    id: "search",
    placeholder: words.search,
    ariaLabel: words.search,
    value: selection.search,
    autocapitalize: "characters",
    autocomplete: "off",
  });
  const fill = () => {
    const devices = chosen(shown);
    const narrowed = selection.search || selection.only;
    count.textContent = narrowed ? `${devices.length} / ${gateway.lamps}` : String(gateway.lamps);
    const rows = devices.map((each) => deviceRow(each, gateway.clock.timeZone, selection.open, text));
    const empty = selection.only === "faults" && !selection.search.trim() ? words.noFaults : words.nothing;
    list.replaceChildren(...(rows.length > 0 ? rows : [make("p", {}, empty)]));
  };
  search.addEventListener("input", () => {
    selection.search = search.value;
    fill();
  });
  fill();
  return make(
    "div",
    { className: "list", id: "list" },
    make("h2", {}, words.lamps, count),
    make("div", { className: "bar" }, search),
    list,
  );
}

/** Lamps, and once the list is narrowed down cabinets too; faults first, then by id. */
function chosen({ gateway, selection, text }: Shown): DeviceStatus[] {
  const { only } = selection;
  const wanted = selection.search.trim().toLowerCase();
  const narrowed = Boolean(selection.search || only);
  const faulty = (device: DeviceStatus) => Number(faultOf(device, text) !== null);
  return gateway.devices
    .filter((device) => isLamp(device) || narrowed)
    .filter((device) => device.id.toLowerCase().includes(wanted))
    .filter((device) => !only || passes(only, device, text))
    .sort((a, b) => faulty(b) - faulty(a) || a.id.localeCompare(b.id));
}

/** Every gateway of this machine, to choose one. */
export function choiceView(
  gateways: GatewayStatus[],
  text: StatusText,
  onChoice: (id: string) => void,
): HTMLElement {
  const { words } = text;
  if (gateways.length === 0) return make("p", {}, words.none);
  const items = gateways.map((gateway) => {
    const bad = gateway.silent > 0 || !gateway.clock.trusted || gateway.lines.some((line) => !line.up);
    const devices = gateway.lines.reduce((sum, line) => sum + line.devices, 0);
    const button = make(
      "button",
      { type: "button", id: `choose-${gateway.id}` },
      make("b", {}, gateway.id),
      make("span", { className: bad ? "bad" : "good" }, words.answering(devices - gateway.silent, devices)),
    );
    button.addEventListener("click", () => onChoice(gateway.id));
    return make("li", {}, button);
  });
  return make("div", {}, make("h2", {}, words.gateways), make("ul", {}, items));
}
