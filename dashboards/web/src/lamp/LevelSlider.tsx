import { useId } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../format/useFormat";
import { PALETTES } from "../map/palette";
import { usePlace } from "../state/place";
import styles from "./LightControl.module.css";

export function LevelSlider({ level, onChange }: { level: number; onChange: (level: number) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { theme } = usePlace();
  const id = useId();
  const { ember, amber, bright, off } = PALETTES[theme];
  return (
    <div className={styles.slider}>
      <label htmlFor={id}>{t("command.level")}</label>
      <output htmlFor={id}>{format.level(level)}</output>
      <input
        id={id}
        type="range"
        min={0}
        max={100}
        step={1}
        value={level}
        aria-valuetext={format.level(level)}
        onChange={(event) => onChange(Number(event.currentTarget.value))}
        style={{ background: `linear-gradient(90deg, ${off} 0 2%, ${ember} 4%, ${amber} 50%, ${bright})` }}
        data-testid="level-slider"
      />
    </div>
  );
}
