import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";
import { useTelemetry } from "../api/queries";
import { useFormat } from "../format/useFormat";
import { useDesk } from "../state/desk";
import { usePlace } from "../state/place";
import { chartData, chartOptions } from "./chart";
import styles from "./LampChart.module.css";
import panel from "./LampPanel.module.css";

/** Level and power over the last 24 hours. */
export function LampChart({ id }: { id: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { clock } = useDesk();
  const { theme, timeZone } = usePlace();
  const telemetry = useTelemetry(id, () => clock.nowMs());
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = telemetry.data;
  const empty = data?.series.every((series) => series.points.length === 0) ?? false;

  // biome-ignore lint/correctness/useExhaustiveDependencies: data updates in the effect below
  useEffect(() => {
    if (!box.current || !data || empty) return;
    const labels = { level: t("lamp.level"), power: t("attribute.activePower") };
    const options = chartOptions(box.current.clientWidth, theme, timeZone, labels, format.time);
    plot.current = new uPlot(options, chartData(data), box.current);
    return () => plot.current?.destroy();
  }, [theme, timeZone, format, data === undefined, empty]);

  useEffect(() => {
    if (data) plot.current?.setData(chartData(data));
  }, [data]);

  return (
    <section aria-label={t("lamp.chart")}>
      <h3 className={panel.title}>{t("lamp.chart")}</h3>
      {empty && <p className={panel.quiet}>{t("lamp.chartEmpty")}</p>}
      <div
        ref={box}
        role="img"
        aria-label={t("lamp.chartLabel")}
        className={styles.chart}
        hidden={empty}
        data-testid="lamp-chart"
      />
    </section>
  );
}
