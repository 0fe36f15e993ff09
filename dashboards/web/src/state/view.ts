import { useSyncExternalStore } from "react";
import { formatHash, parseHash, type View } from "./hash";

const listeners = new Set<() => void>();
let current: { hash: string; view: View } | null = null;

function read(): View {
  const hash = window.location.hash;
  if (current?.hash !== hash) current = { hash, view: parseHash(hash) };
  return current.view;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("hashchange", listener);
  window.addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("hashchange", listener);
    window.removeEventListener("popstate", listener);
  };
}

/** Change the address; a choice of the user makes a history entry, a moved camera does not. */
export function setView(patch: Partial<View>): void {
  const before = window.location.hash;
  const hash = formatHash({ ...read(), ...patch });
  if (hash === before) return;
  const url = hash || window.location.pathname + window.location.search;
  if ("camera" in patch) window.history.replaceState(null, "", url);
  else window.history.pushState(null, "", url);
  for (const listener of listeners) listener();
}

export function currentView(): View {
  return read();
}

export function useView(): View {
  return useSyncExternalStore(subscribe, read);
}
