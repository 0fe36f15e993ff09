import { useTranslation } from "react-i18next";
import type { LampState } from "../api/types";
import { useFormat } from "../format/useFormat";
import { useNow } from "../state/desk";
import { Muted } from "../ui/Muted";
import styles from "./LevelNow.module.css";

/** The measured level and power, and the target level where the lamp has not reached it. */
export function LevelNow({ lamp }: { lamp: LampState }) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = useNow(1_000);
  const level = lamp.actualLightState === null ? null : Math.round(lamp.actualLightState);
  const differs =
    lamp.targetLightCommand !== null && level !== null && Math.abs(lamp.targetLightCommand - level) > 2;
  return (
    <div className={styles.now}>
      <div className={styles.big} data-testid="lamp-level" data-value={level ?? ""}>
        {level ?? "–"}
        <small>%</small>
      </div>
      <div className={styles.facts}>
        <strong>{format.quantity(lamp.activePower, "W")}</strong>
        {differs && <span>{t("lamp.target", { level: format.level(lamp.targetLightCommand) })}</span>}
        <Muted as="span" testId="lamp-age">
          {lamp.observedAt ? format.age(lamp.observedAt, now) : t("lamp.never")}
        </Muted>
      </div>
    </div>
  );
}
