import { useCallback, useEffect, useRef } from "react";

const focusOn = (element: HTMLElement | null) => element?.focus({ preventScroll: true });

/** Where focus goes when what opened the panel is gone: the map, from where everything is reached. */
const theMap = () => document.querySelector<HTMLElement>("[data-testid=map] canvas");

/** The keyboard follows the lamp panel: into it when it opens, back to what opened it when it closes. */
export function useLampFocus(lampId: string | null): (panel: HTMLElement | null) => void {
  const opener = useRef<Element | null>(null);
  useEffect(() => {
    if (lampId || !opener.current) return;
    const back = opener.current;
    opener.current = null;
    const gone = !back.isConnected || back === document.body;
    focusOn(!gone && back instanceof HTMLElement ? back : theMap());
  }, [lampId]);
  return useCallback((panel) => {
    if (!panel) return;
    opener.current ??= document.activeElement;
    focusOn(panel);
  }, []);
}
