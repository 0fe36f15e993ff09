import { useTranslation } from "react-i18next";
import type { Night } from "../api/types";
import { useFormat } from "../format/useFormat";
import { levelAt } from "../night/plan";
import { Failed } from "../shell/Failed";
import { useCounts } from "../state/desk";
import type { LampLoading } from "../state/useLive";
import styles from "./MapStage.module.css";
import { MapView } from "./MapView";

interface MapStageProps {
  lamps: LampLoading;
  night: Night | undefined;
  previewMs: number | null;
}

/** The map and what it says when there is nothing to see. */
export function MapStage({ lamps, night, previewMs }: MapStageProps) {
  const previewLevel = previewMs !== null && night ? levelAt(night.planned, previewMs) : null;
  return (
    <div className={styles.stage}>
      <MapView previewLevel={previewLevel} />
      {previewMs !== null && previewLevel !== null ? (
        <Preview ms={previewMs} level={previewLevel} />
      ) : (
        <MapNotice lamps={lamps} />
      )}
    </div>
  );
}

/** The map shows a plan, not the lamps: that must not be mistaken. */
function Preview({ ms, level }: { ms: number; level: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <p className={styles.preview} role="status" data-testid="map-preview">
      {t("night.preview", { time: format.time(ms), level: format.level(level) })}
    </p>
  );
}

function MapNotice({ lamps }: { lamps: LampLoading }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { total } = useCounts();
  if (lamps.status === "failed" && total === 0) {
    return (
      <div className={styles.notice}>
        <Failed text={t("map.failed")} onRetry={lamps.reload} />
      </div>
    );
  }
  if (lamps.status === "loading") {
    return (
      <p className={styles.loading} role="status">
        {t("map.loaded", { amount: format.count(total) })}
      </p>
    );
  }
  if (total > 0) return null;
  return (
    <div className={styles.notice} data-testid="map-empty">
      <h2>{t("map.empty")}</h2>
      <p>{t("map.emptyHint")}</p>
    </div>
  );
}
