import { LANGUAGES, type Language, pickLanguage } from "../i18n/language";
import { STATUS } from "../theme/colours";
import type { Theme } from "../theme/theme";
import { toVariables } from "../theme/variables";
import { byId, icon, make } from "./dom";
import { choiceView, gatewayView, type Selection } from "./gatewayView";
import { lantern } from "./lantern";
import type { GatewayStatus, ProcessStatus } from "./model";
import { StatusText } from "./text";

const EVERY_MS = 3_000;

const LANGUAGE_KEY = "language";
const THEME_KEY = "theme";

/** A private window may refuse to store anything; the choice then lasts as long as the page. */
function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Nothing to do: see `stored`.
  }
}

async function fetchStatus(query: string): Promise<ProcessStatus> {
  const answer = await fetch(`status.json?${query}`, { signal: AbortSignal.timeout(EVERY_MS) });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return (await answer.json()) as ProcessStatus;
}

/** The status page: reads `status.json` every three seconds and draws itself from it. */
export class StatusPage {
  private readonly prefersNight = window.matchMedia("(prefers-color-scheme: dark)");
  private readonly selection: Selection = { search: "", only: null, open: new Set() };
  private language: Language = pickLanguage(stored(LANGUAGE_KEY), []);
  private chosenTheme: Theme | null = asTheme(stored(THEME_KEY));
  private gatewayId: string | null = null;
  /** One gateway on this machine: nothing to choose. */
  private single = false;
  private status: ProcessStatus | null = null;
  private readAt: Date | null = null;
  private lost = false;

  /** Read and draw now, and from now on every three seconds. */
  start(): void {
    byId("language").addEventListener("click", () => this.nextLanguage());
    byId("theme").addEventListener("click", () => this.otherTheme());
    byId("back").addEventListener("click", () => this.choose(null));
    this.prefersNight.addEventListener("change", () => this.draw());
    window.addEventListener("error", (event) => this.reportBroken(event.message));
    this.draw();
    void this.refresh();
    window.setInterval(() => {
      if (!document.hidden) void this.refresh();
    }, EVERY_MS);
  }

  async refresh(): Promise<void> {
    try {
      this.status = await this.read();
      this.readAt = new Date();
      this.lost = false;
    } catch {
      this.lost = true;
    }
    this.draw();
  }

  private async read(): Promise<ProcessStatus> {
    if (this.gatewayId === null) {
      const all = await fetchStatus("devices=no");
      this.single = all.gateways.length === 1;
      if (!this.single) return all;
      this.gatewayId = all.gateways[0]?.id ?? null;
    }
    return await fetchStatus(`gateway=${encodeURIComponent(this.gatewayId ?? "")}`);
  }

  private choose(gatewayId: string | null): void {
    this.gatewayId = gatewayId;
    void this.refresh();
  }

  private nextLanguage(): void {
    const next = (LANGUAGES.indexOf(this.language) + 1) % LANGUAGES.length;
    this.language = LANGUAGES[next] ?? "id";
    store(LANGUAGE_KEY, this.language);
    this.draw();
  }

  private get theme(): Theme {
    return this.chosenTheme ?? (this.prefersNight.matches ? "dark" : "light");
  }

  private otherTheme(): void {
    this.chosenTheme = this.theme === "dark" ? "light" : "dark";
    store(THEME_KEY, this.chosenTheme);
    this.draw();
  }

  private draw(): void {
    const text = new StatusText(this.language);
    this.drawFrame(text);
    if (!this.status) return;
    const { gateways } = this.status;
    const gateway = gateways.find(({ id }) => id === this.gatewayId) ?? null;
    byId("back").hidden = gateway === null || this.single;
    byId("title").replaceChildren(
      gateway?.id ?? "Lentera",
      ...(gateway ? [make("small", {}, gateway.area)] : []),
    );
    keepingFocus(() => byId("main").replaceChildren(this.view(gateways, gateway, text)));
  }

  private drawFrame(text: StatusText): void {
    const { words } = text;
    const night = this.theme === "dark";
    const root = document.documentElement;
    root.lang = this.language;
    root.className = night ? "night" : "";
    const colours = STATUS[this.theme];
    for (const [name, value] of Object.entries(toVariables(colours))) root.style.setProperty(name, value);
    document.querySelector("link[rel=icon]")?.setAttribute("href", lantern(colours.head, colours.lit));
    byId("language").textContent = this.language === "id" ? "EN" : "ID";
    byId("language").ariaLabel = words.otherLanguage;
    byId("theme").replaceChildren(icon(night ? "sun" : "moon"));
    byId("theme").ariaLabel = night ? words.day : words.night;
    byId("back").textContent = words.all;
    this.notify(this.lost ? words.lost(this.readAt?.toLocaleTimeString("en-GB") ?? "–") : "");
  }

  private view(gateways: GatewayStatus[], gateway: GatewayStatus | null, text: StatusText): HTMLElement {
    if (!gateway) return choiceView(gateways, text, (id) => this.choose(id));
    return gatewayView({ gateway, selection: this.selection, text }, () => {
      this.draw();
      byId("list").scrollIntoView({ block: "nearest" });
    });
  }

  private reportBroken(message: string): void {
    this.notify(new StatusText(this.language).words.broken(message));
  }

  private notify(sentence: string): void {
    byId("notice").hidden = sentence === "";
    byId("notice").textContent = sentence;
  }
}

const asTheme = (text: string | null): Theme | null => (text === "dark" || text === "light" ? text : null);

/** Redraw without taking the focus, or the caret of the search, from the person. */
function keepingFocus(redraw: () => void): void {
  const focused = document.activeElement;
  const caret = focused instanceof HTMLInputElement ? focused.selectionStart : null;
  redraw();
  if (!focused?.id) return;
  const again = document.getElementById(focused.id);
  again?.focus({ preventScroll: true });
  if (caret !== null && again instanceof HTMLInputElement) again.setSelectionRange(caret, caret);
}
