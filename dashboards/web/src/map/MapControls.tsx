import { IconFocusCentered, IconMinus, IconPlus } from "@tabler/icons-react";
import type { Map as MapLibreMap } from "maplibre-gl";
import { useTranslation } from "react-i18next";
import { usePlace } from "../state/place";
import styles from "./MapStage.module.css";
import { PALETTES } from "./palette";

export function MapControls({ map, onFit }: { map: MapLibreMap; onFit: () => void }) {
  const { t } = useTranslation();
  return (
    <div className={styles.corner}>
      <div className={styles.zoom}>
        <button type="button" onClick={() => map.zoomIn()} aria-label={t("map.zoomIn")} data-testid="zoom-in">
          <IconPlus size={18} />
        </button>
        <button
          type="button"
          onClick={() => map.zoomOut()}
          aria-label={t("map.zoomOut")}
          data-testid="zoom-out"
        >
          <IconMinus size={18} />
        </button>
        <button type="button" onClick={onFit} aria-label={t("map.fit")} data-testid="zoom-fit">
          <IconFocusCentered size={18} />
        </button>
      </div>
      <Legend />
    </div>
  );
}

function Legend() {
  const { t } = useTranslation();
  const { theme } = usePlace();
  const palette = PALETTES[theme];
  return (
    <ul className={styles.legend} aria-label={t("map.legend")}>
      <li>
        <span
          className={styles.ramp}
          style={{
            background: `linear-gradient(90deg, ${palette.ember}, ${palette.amber}, ${palette.bright})`,
          }}
        />
        {t("state.lit")}
      </li>
      <li>
        <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
          <circle cx="8" cy="8" r="5" fill={palette.off} />
        </svg>
        {t("state.off")}
      </li>
      <li>
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
          <path d="M8 1 15 8 8 15 1 8Z" fill={palette.fault} />
        </svg>
        {t("state.fault")}
      </li>
      <li>
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
          <circle cx="8" cy="8" r="5.5" fill="none" stroke={palette.unknown} strokeWidth="2" />
        </svg>
        {t("state.unknown")}
      </li>
    </ul>
  );
}
