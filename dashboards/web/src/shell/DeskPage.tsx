import { useMantineColorScheme } from "@mantine/core";
import { useEffect, useMemo, useState } from "react";
import { useNight, useSummary } from "../api/queries";
import type { LampState } from "../api/types";
import { SidePanel } from "../areas/SidePanel";
import { TopBar } from "../bar/TopBar";
import { LampPanel } from "../lamp/LampPanel";
import { useLampFocus } from "../lamp/useLampFocus";
import { MapStage } from "../map/MapStage";
import { NightStrip } from "../night/NightStrip";
import { type Theme, themeAt } from "../night/sky";
import { type Desk, useDesk, useNow, useSpeed } from "../state/desk";
import { PlaceContext } from "../state/place";
import { useLive } from "../state/useLive";
import { setView, useView } from "../state/view";
import styles from "./DeskPage.module.css";
import { useThemeChoice } from "./themeChoice";

const DEFAULT_ZONE = "Asia/Jakarta";

/** The chosen theme, or the one the sun asks for; dark until the night is known. */
function useTheme(night: ReturnType<typeof useNight>["data"]): Theme {
  const choice = useThemeChoice();
  const now = useNow(5_000);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const theme: Theme = choice === "auto" ? (themeAt(night, now) ?? "dark") : choice;
  useEffect(() => {
    if (colorScheme !== theme) setColorScheme(theme);
  }, [colorScheme, theme, setColorScheme]);
  return theme;
}

function useEscapeCloses(lampId: string | null): void {
  useEffect(() => {
    if (!lampId) return;
    const close = (event: KeyboardEvent) => {
      const inMenu = event.target instanceof Element && event.target.closest('[role="menu"]') !== null;
      if (event.key === "Escape" && !event.defaultPrevented && !inMenu) setView({ lampId: null });
    };
    window.addEventListener("keydown", close);
    return () => window.removeEventListener("keydown", close);
  }, [lampId]);
}

declare global {
  interface Window {
    /** Read-only: what this page believes of a lamp, for tests and for the curious. */
    lentera?: { lampState: (id: string) => LampState | undefined; lampCount: () => number };
  }
}

function useWindow({ store }: Desk): void {
  useEffect(() => {
    window.lentera = { lampState: (id) => structuredClone(store.get(id)), lampCount: () => store.size };
    return () => {
      delete window.lentera;
    };
  }, [store]);
}

export function DeskPage({ canCommand }: { canCommand: boolean }) {
  const desk = useDesk();
  const fast = useSpeed() > 1;
  const { live, lamps } = useLive();
  const summary = useSummary(fast);
  const night = useNight(fast);
  const theme = useTheme(night.data);
  const { lampId } = useView();
  const [previewMs, setPreviewMs] = useState<number | null>(null);
  const timeZone = summary.data?.timeZone ?? DEFAULT_ZONE;
  const place = useMemo(() => ({ timeZone, theme }), [timeZone, theme]);
  const lampPanel = useLampFocus(lampId);
  useEscapeCloses(lampId);
  useWindow(desk);
  useEffect(() => {
    if (summary.data && !desk.clock.known) desk.clock.set(summary.data);
  }, [summary.data, desk]);

  return (
    <PlaceContext value={place}>
      <div className={styles.desk} data-testid="desk">
        <TopBar summary={summary.data} live={live} />
        <main className={styles.stage}>
          <MapStage lamps={lamps} night={night.data} previewMs={previewMs} />
          <SidePanel />
          {lampId && <LampPanel key={lampId} id={lampId} canCommand={canCommand} ref={lampPanel} />}
        </main>
        <NightStrip
          night={night.data}
          failed={night.isError}
          previewMs={previewMs}
          onPreview={setPreviewMs}
        />
      </div>
    </PlaceContext>
  );
}
