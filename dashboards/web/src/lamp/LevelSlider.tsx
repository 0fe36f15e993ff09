import { useId } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../format/useFormat";
import { COLOURS } from "../theme/colours";
import { useTheme } from "../theme/theme";
import styles from "./LightControl.module.css";

export function LevelSlider({ level, onChange }: { level: number; onChange: (level: number) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const theme = useTheme();
  const id = useId();
  const { ember, lit, bright, off } = COLOURS[theme];
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
        style={{ background: `linear-gradient(90deg, ${off} 0 2%, ${ember} 4%, ${lit} 50%, ${bright})` }}
        data-testid="level-slider"
      />
    </div>
  );
}
