import { useTranslation } from "react-i18next";
import { useFormat } from "../format/useFormat";
import { type LiveStatus, useDesk, useNow, useSpeed } from "../state/desk";
import { noDataText } from "./noData";
import styles from "./TopBar.module.css";

/** The time where the lamps are; marks simulated time, a lost live stream and missing readings. */
export function BarClock({ live }: { live: LiveStatus }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { clock } = useDesk();
  const speed = useSpeed();
  const now = useNow(speed > 1 ? 100 : 500);
  if (!clock.known) return <div className={styles.clock} data-testid="clock" />;
  const iso = new Date(now).toISOString();
  const noData = noDataText(clock.data, now, t, format);
  return (
    <div className={styles.clock}>
      {speed !== 1 && (
        <span className={styles.speed} title={t("bar.simulated", { speed })} data-testid="speed">
          {t("bar.speed", { speed })}
        </span>
      )}
      <span
        className={styles.live}
        data-status={noData ? "lost" : live}
        data-testid="live-status"
        role="status"
        title={noData ?? t(live === "live" ? "bar.live" : "bar.reconnecting")}
      >
        <span className={styles.dot} />
        {live === "lost" && t("bar.reconnecting")}
        {live !== "lost" && noData && <span data-testid="ingest-offline">{noData}</span>}
      </span>
      <time dateTime={iso} data-testid="clock">
        <span className={styles.day}>{format.day(now)}</span>
        <span className={styles.time}>{speed > 60 ? format.time(now) : format.timeSeconds(now)}</span>
      </time>
    </div>
  );
}
