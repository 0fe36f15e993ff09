/** What Mantine and MapLibre expect of a browser and jsdom does not have; every test starts with a clean page. */
import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach, beforeEach, vi } from "vitest";

// Long enough for a machine that is busy with other work.
configure({ asyncUtilTimeout: 30_000 });

/** Whether the window is as narrow as a phone's. */
export const viewport = { narrow: false };

// At once, and not before each test: uPlot uses it when it is imported.
window.matchMedia = (query: string) =>
  ({
    matches: query.includes("max-width: 767px") && viewport.narrow,
    media: query,
    addEventListener: () => {},
    removeEventListener: () => {},
    addListener: () => {},
    removeListener: () => {},
  }) as unknown as MediaQueryList;

class NoResizes {
  observe() {}
  unobserve() {}
  disconnect() {}
}

/** jsdom has no layout: all is at one place of the window, not scrolled away, which would hide each open menu. */
function layOut() {
  Element.prototype.getBoundingClientRect = () => new DOMRect(8, 8, 120, 24);
  for (const [side, length] of [
    ["clientWidth", window.innerWidth],
    ["clientHeight", window.innerHeight],
  ] as const) {
    Object.defineProperty(document.documentElement, side, { configurable: true, value: length });
  }
}

beforeEach(() => {
  viewport.narrow = false;
  layOut();
  vi.stubGlobal("ResizeObserver", NoResizes);
  Element.prototype.scrollIntoView = () => {};
  Element.prototype.setPointerCapture = () => {};
  localStorage.clear();
  window.history.replaceState(null, "", "/");
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});
