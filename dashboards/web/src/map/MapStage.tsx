import { useTranslation } from "react-i18next";
import { useFormat } from "../format/useFormat";
import { useCounts } from "../state/desk";
import type { LampLoading } from "../state/useLive";
import { Card } from "../ui/Card";
import { Failed } from "../ui/Failed";
import styles from "./MapStage.module.css";
import { MapView } from "./MapView";

/** A moment of the night other than now, and the level that is planned for it in %. */
export interface Preview {
  ms: number;
  level: number;
}

interface MapStageProps {
  lamps: LampLoading;
  preview: Preview | null;
}

/** The map, with a notice over it while there is nothing to see. */
export function MapStage({ lamps, preview }: MapStageProps) {
  return (
    <div className={styles.stage}>
      <MapView previewLevel={preview?.level ?? null} />
      {preview ? <PreviewBanner {...preview} /> : <MapNotice lamps={lamps} />}
    </div>
  );
}

/** Marks the map as showing the plan, so that it is not taken for the present state. */
function PreviewBanner({ ms, level }: Preview) {
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
      <Card className={styles.notice}>
        <Failed text={t("map.failed")} onRetry={lamps.reload} />
      </Card>
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
    <Card className={styles.notice} data-testid="map-empty">
      <h2>{t("map.empty")}</h2>
      <p>{t("map.emptyHint")}</p>
    </Card>
  );
}
