import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Night } from "../api/types";
import { useFormat } from "../format/useFormat";
import { useNow } from "../state/desk";
import { NightSky } from "./NightSky";
import styles from "./NightStrip.module.css";
import { levelAt } from "./plan";

interface NightStripProps {
  night: Night | undefined;
  failed: boolean;
  previewMs: number | null;
  onPreview: (ms: number | null) => void;
}

const STEP_MS = 5 * 60_000;

/** Noon to noon under the map; drag it and the map shows the plan of that instant. */
export function NightStrip({ night, failed, previewMs, onPreview }: NightStripProps) {
  const { t } = useTranslation();
  return (
    <section className={styles.strip} aria-label={t("night.title")} data-testid="night-strip">
      {night ? (
        <>
          <NightHead night={night} previewMs={previewMs} onPreview={onPreview} />
          <Scrubber night={night} previewMs={previewMs} onPreview={onPreview} />
        </>
      ) : (
        <p className={styles.hint}>{failed ? t("night.failed") : t("app.loading")}</p>
      )}
    </section>
  );
}

type Ready = Omit<NightStripProps, "night" | "failed"> & { night: Night };

function NightHead({ night, previewMs, onPreview }: Ready) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = useNow(1_000);
  const at = previewMs ?? now;
  const planned = format.level(levelAt(night.planned, at));
  return (
    <div className={styles.head} data-preview={previewMs !== null}>
      {previewMs === null ? (
        <>
          <strong>{t("night.title")}</strong>
          <span>{t("night.plan", { level: planned })}</span>
        </>
      ) : (
        <>
          <strong>{format.time(previewMs)}</strong>
          <span>{t("night.plan", { level: planned })}</span>
          <Button size="compact-xs" variant="light" onClick={() => onPreview(null)} data-testid="night-back">
            {t("night.back")}
          </Button>
        </>
      )}
    </div>
  );
}

function Scrubber({ night, previewMs, onPreview }: Ready) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = useNow(1_000);
  const start = Date.parse(night.start);
  const end = Date.parse(night.end);
  const at = previewMs ?? now;
  return (
    <div className={styles.scrubber}>
      <NightSky night={night} nowMs={now} previewMs={previewMs} />
      <input
        className={styles.range}
        type="range"
        min={start}
        max={end}
        step={STEP_MS}
        value={at}
        onChange={(event) => onPreview(Number(event.currentTarget.value))}
        onDoubleClick={() => onPreview(null)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || previewMs === null) return;
          event.preventDefault();
          onPreview(null);
        }}
        aria-label={t("night.scrub")}
        aria-valuetext={t("night.preview", {
          time: format.time(at),
          level: format.level(levelAt(night.planned, at)),
        })}
        data-testid="night-scrub"
      />
    </div>
  );
}
