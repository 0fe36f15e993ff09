import { IconFocusCentered, IconMinus, IconPlus } from "@tabler/icons-react";
import type { Map as MapLibreMap } from "maplibre-gl";
import { useTranslation } from "react-i18next";
import { COLOURS } from "../theme/colours";
import { useTheme } from "../theme/theme";
import { LampIcon } from "../ui/LampIcon";
import styles from "./MapStage.module.css";

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
  const theme = useTheme();
  const palette = COLOURS[theme];
  return (
    <ul className={styles.legend} aria-label={t("map.legend")}>
      <li>
        <span
          className={styles.ramp}
          style={{
            background: `linear-gradient(90deg, ${palette.ember}, ${palette.lit}, ${palette.bright})`,
          }}
        />
        {t("state.lit")}
      </li>
      {(["off", "fault", "unknown"] as const).map((kind) => (
        <li key={kind}>
          <LampIcon kind={kind} />
          {t(`state.${kind}`)}
        </li>
      ))}
    </ul>
  );
}
