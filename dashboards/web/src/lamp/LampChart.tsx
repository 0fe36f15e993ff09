import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";
import { useTelemetry } from "../api/queries";
import type { Telemetry } from "../api/types";
import { useTimeZone } from "../format/timeZone";
import { useFormat } from "../format/useFormat";
import { useClockKnown, useDesk } from "../state/desk";
import { COLOURS } from "../theme/colours";
import { useTheme } from "../theme/theme";
import { Muted } from "../ui/Muted";
import { SectionTitle } from "../ui/SectionTitle";
import { chartData, chartOptions } from "./chart";
import styles from "./LampChart.module.css";

/** Level and power over the last 24 hours. */
export function LampChart({ id }: { id: string }) {
  const { t } = useTranslation();
  const { clock } = useDesk();
  const { data } = useTelemetry(id, () => clock.nowMs(), useClockKnown());
  const [cursor, setCursor] = useState<number | null>(null);
  const empty = data?.series.every((series) => series.points.length === 0) ?? false;
  return (
    <section aria-label={t("lamp.chart")}>
      <div className={styles.head}>
        <SectionTitle>{t("lamp.chart")}</SectionTitle>
        {data && !empty && <Reading data={data} index={cursor} />}
      </div>
      {!data && <div className={styles.chart} />}
      {empty && <Muted>{t("lamp.chartEmpty")}</Muted>}
      {data && !empty && <Plot data={data} onCursor={setCursor} />}
    </section>
  );
}

function Plot({ data, onCursor }: { data: Telemetry; onCursor: (index: number | null) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const theme = useTheme();
  const timeZone = useTimeZone();
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: new data goes into the same plot below
  useEffect(() => {
    if (!box.current) return;
    const options = chartOptions(box.current.clientWidth, theme, timeZone, format.time, onCursor);
    plot.current = new uPlot(options, chartData(data), box.current);
    return () => plot.current?.destroy();
  }, [theme, timeZone, format, onCursor]);

  useEffect(() => plot.current?.setData(chartData(data)), [data]);

  return (
    <div
      ref={box}
      role="img"
      aria-label={t("lamp.chartLabel")}
      className={styles.chart}
      data-testid="lamp-chart"
    />
  );
}

/** The key of the chart; with the pointer over it, the values of that moment. */
function Reading({ data, index }: { data: Telemetry; index: number | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  const theme = useTheme();
  const [times, levels, powers] = chartData(data);
  const time = index === null ? undefined : times[index];
  const at = (values: typeof levels | undefined) => (index === null ? null : values?.[index]);
  return (
    <span className={styles.key}>
      {time !== undefined && <span>{format.time(time * 1000)}</span>}
      <span>
        <i style={{ background: COLOURS[theme].lit }} />
        {time === undefined ? t("lamp.level") : format.level(at(levels))}
      </span>
      <span>
        <i style={{ background: COLOURS[theme].power }} />
        {time === undefined ? t("attribute.activePower") : format.quantity(at(powers), "W")}
      </span>
    </span>
  );
}
