import { useId, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useAlarms } from "../api/queries";
import type { Night } from "../api/types";
import { useFormat } from "../format/useFormat";
import { ON_SKY } from "../theme/colours";
import { type Theme, useTheme } from "../theme/theme";
import styles from "./NightStrip.module.css";
import { meanPath, stepPath } from "./plan";
import { altitudeAt, altitudeKnots, skyStops } from "./sky";
import { bucketTicks, hourMarks } from "./ticks";

const WIDTH = 1000;
const HEIGHT = 100;
const TOP = 14;
const BOTTOM = 92;

const y = (level: number) => BOTTOM - ((BOTTOM - TOP) * level) / 100;

interface NightSkyProps {
  night: Night;
  nowMs: number;
  previewMs: number | null;
}

export function NightSky({ night, nowMs, previewMs }: NightSkyProps) {
  const { t } = useTranslation();
  const theme = useTheme();
  const start = Date.parse(night.start);
  const end = Date.parse(night.end);
  const share = (ms: number) => Math.min(Math.max((ms - start) / (end - start), 0), 1);
  return (
    <div className={styles.sky} role="img" aria-label={t("night.label")} data-testid="night-sky">
      <SkyPicture night={night} nowShare={share(nowMs)} />
      <Sun night={night} share={share} />
      <FaultTicks start={start} end={end} />
      <Hours night={night} />
      <span
        className={styles.now}
        data-tone={toneOf(night, nowMs, theme)}
        style={{ left: `${share(nowMs) * 100}%` }}
        data-testid="night-now"
      />
      {previewMs !== null && (
        <span className={styles.preview} style={{ left: `${share(previewMs) * 100}%` }} />
      )}
    </div>
  );
}

function SkyPicture({ night, nowShare }: { night: Night; nowShare: number }) {
  const theme = useTheme();
  const id = useId();
  const stops = useMemo(() => skyStops(night, theme), [night, theme]);
  const paths = useMemo(() => {
    const start = Date.parse(night.start);
    const end = Date.parse(night.end);
    const x = (ms: number) => ((ms - start) / (end - start)) * WIDTH;
    const planned = stepPath(night.planned, x, y, start, end);
    const actual = night.actual?.length ? meanPath(night.actual, x, y) : null;
    return { planned, actual, area: `${planned}V${BOTTOM}H0Z` };
  }, [night]);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <defs>
        <linearGradient id={`${id}-sky`}>
          {stops.map((stop) => (
            <stop key={stop.offset} offset={stop.offset} stopColor={stop.colour} />
          ))}
        </linearGradient>
        <linearGradient id={`${id}-light`} x2="0" y2="1">
          <stop offset="0" stopColor={ON_SKY.planTop} stopOpacity="0.62" />
          <stop offset="1" stopColor={ON_SKY.planFoot} stopOpacity="0.06" />
        </linearGradient>
        <clipPath id={`${id}-past`}>
          <rect width={WIDTH * nowShare} height={HEIGHT} />
        </clipPath>
      </defs>
      <rect width={WIDTH} height={HEIGHT} fill={`url(#${id}-sky)`} />
      <path d={paths.area} className={styles.planArea} fill={`url(#${id}-light)`} />
      <path
        d={paths.area}
        className={styles.planArea}
        fill={`url(#${id}-light)`}
        clipPath={`url(#${id}-past)`}
      />
      <path d={paths.planned} className={styles.planLine} />
      {paths.actual && <path d={paths.actual} className={styles.actualLine} clipPath={`url(#${id}-past)`} />}
    </svg>
  );
}

/** Day and low sun are pale in the day theme: text on them has to be dark. */
const PALE_ABOVE_DEG = -1;

function toneOf(night: Night, ms: number, theme: Theme): "pale" | "deep" {
  return theme === "light" && altitudeAt(altitudeKnots(night), ms) > PALE_ABOVE_DEG ? "pale" : "deep";
}

function Sun({ night, share }: { night: Night; share: (ms: number) => number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const theme = useTheme();
  if (!night.sunset || !night.sunrise) {
    const dark = night.planned.some((point) => point.level > 0);
    return <span className={styles.polar}>{t(dark ? "night.polarNight" : "night.polarDay")}</span>;
  }
  const sunset = Date.parse(night.sunset);
  const sunrise = Date.parse(night.sunrise);
  return (
    <>
      <span
        className={styles.sunset}
        data-tone={toneOf(night, sunset, theme)}
        style={{ right: `${(1 - share(sunset)) * 100}%` }}
      >
        <span className={styles.word}>{t("night.sunset")}</span> {format.time(sunset)}
      </span>
      <span
        className={styles.sunrise}
        data-tone={toneOf(night, sunrise, theme)}
        style={{ left: `${share(sunrise) * 100}%` }}
      >
        <span className={styles.word}>{t("night.sunrise")}</span> {format.time(sunrise)}
      </span>
    </>
  );
}

function Hours({ night }: { night: Night }) {
  const format = useFormat();
  const theme = useTheme();
  return (
    <span className={styles.hours} aria-hidden="true">
      {hourMarks(Date.parse(night.start), Date.parse(night.end)).map(({ ms, share }) => (
        <span key={ms} style={{ left: `${share * 100}%` }} data-tone={toneOf(night, ms, theme)}>
          {format.time(ms)}
        </span>
      ))}
    </span>
  );
}

function FaultTicks({ start, end }: { start: number; end: number }) {
  const { t } = useTranslation();
  const alarms = useAlarms();
  const ticks = useMemo(
    () =>
      bucketTicks(
        (alarms.data ?? []).map((alarm) => Date.parse(alarm.raisedAt)),
        start,
        end,
      ),
    [alarms.data, start, end],
  );
  return (
    <>
      {ticks.map((tick) => (
        <span
          key={tick.share}
          className={styles.tick}
          style={{ left: `${tick.share * 100}%`, scale: String(1 + Math.min(tick.count, 20) / 25) }}
          title={t("night.faults", { count: tick.count })}
          data-testid="night-fault"
        />
      ))}
    </>
  );
}
