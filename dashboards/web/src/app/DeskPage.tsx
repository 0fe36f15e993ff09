import { useEffect, useState } from "react";
import { useNight, useSummary } from "../api/queries";
import type { LampState } from "../api/types";
import { TopBar } from "../bar/TopBar";
import { DEFAULT_TIME_ZONE, TimeZoneContext } from "../format/timeZone";
import { LampPanel } from "../lamp/LampPanel";
import { useLampFocus } from "../lamp/useLampFocus";
import { MapStage } from "../map/MapStage";
import { NightStrip } from "../night/NightStrip";
import { levelAt } from "../night/plan";
import { type Desk, useDesk, useSpeed } from "../state/desk";
import { useLive } from "../state/useLive";
import { setView, useView } from "../state/view";
import { ThemeContext } from "../theme/theme";
import styles from "./DeskPage.module.css";
import { SidePanel } from "./SidePanel";
import { useDeskTheme } from "./useDeskTheme";

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
    /** Read-only: the state of a lamp as this page shows it, for tests and for debugging. */
    lentera?: { lampState: (id: string) => LampState | undefined; lampCount: () => number };
  }
}

function useWindowApi({ store }: Desk): void {
  useEffect(() => {
    window.lentera = { lampState: (id) => structuredClone(store.get(id)), lampCount: () => store.size };
    return () => {
      delete window.lentera;
    };
  }, [store]);
}

/** Map, lists, lamp panel and night strip: the one page of a person who is logged in. */
export function DeskPage({ canCommand }: { canCommand: boolean }) {
  const desk = useDesk();
  const fast = useSpeed() > 1;
  const { live, lamps } = useLive();
  const summary = useSummary(fast);
  const night = useNight(fast);
  const theme = useDeskTheme(night.data);
  const { lampId } = useView();
  const [previewMs, setPreviewMs] = useState<number | null>(null);
  const lampPanel = useLampFocus(lampId);
  useEscapeCloses(lampId);
  useWindowApi(desk);
  useEffect(() => {
    if (summary.data && !desk.clock.known) desk.clock.set(summary.data);
  }, [summary.data, desk]);
  const preview =
    previewMs !== null && night.data
      ? { ms: previewMs, level: levelAt(night.data.planned, previewMs) }
      : null;

  return (
    <ThemeContext value={theme}>
      <TimeZoneContext value={summary.data?.timeZone ?? DEFAULT_TIME_ZONE}>
        <div className={styles.desk} data-testid="desk">
          <TopBar summary={summary.data} live={live} />
          <main className={styles.stage}>
            <MapStage lamps={lamps} preview={preview} />
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
      </TimeZoneContext>
    </ThemeContext>
  );
}
