import { IconAlertTriangle, IconBolt, IconBulb, IconRouterOff } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useAlarms } from "../api/queries";
import type { Summary } from "../api/types";
import { useFormat } from "../format/useFormat";
import { faultyLamps } from "../state/alarms";
import { type LiveStatus, useCounts } from "../state/desk";
import { setView } from "../state/view";
import { Wordmark } from "../ui/Wordmark";
import { BarClock } from "./BarClock";
import { BarMenu } from "./BarMenu";
import { Figure } from "./Figure";
import styles from "./TopBar.module.css";

const ICON = { size: 18, stroke: 1.8, "aria-hidden": true } as const;

/** What matters now, in one line. */
export function TopBar({ summary, live }: { summary: Summary | undefined; live: LiveStatus }) {
  const { t } = useTranslation();
  const format = useFormat();
  const counted = useCounts();
  const counts = counted.total > 0 ? counted : summary;
  const alarms = useAlarms();
  const faults = alarms.data ? faultyLamps(alarms.data) : summary?.fault;
  const offline = summary?.gateways.offline ?? 0;
  return (
    <header className={styles.bar}>
      <span className={styles.brand}>
        <Wordmark size={21} />
      </span>
      <section className={styles.figures} aria-label={t("bar.summary")}>
        <Figure
          testId="summary-lit"
          raw={counts?.lit}
          icon={<IconBulb {...ICON} />}
          tone="amber"
          value={counts ? format.count(counts.lit) : "–"}
          label={t("bar.lit")}
          detail={counts ? t("bar.ofTotal", { total: format.count(counts.total) }) : ""}
        />
        <Figure
          testId="summary-faults"
          raw={faults}
          icon={<IconAlertTriangle {...ICON} />}
          tone={faults ? "fault" : "calm"}
          value={faults === undefined ? "–" : format.count(faults)}
          label={t("bar.faults")}
          onClick={() => setView({ panel: "faults" })}
        />
        <Figure
          testId="summary-gateways"
          raw={summary?.gateways.offline}
          icon={<IconRouterOff {...ICON} />}
          tone={offline > 0 ? "fault" : "calm"}
          value={summary ? format.count(offline) : "–"}
          label={t("bar.gateways")}
          detail={summary ? t("bar.ofTotal", { total: format.count(summary.gateways.total) }) : ""}
        />
        <Figure
          testId="summary-power"
          raw={summary?.totalPower ?? undefined}
          icon={<IconBolt {...ICON} />}
          tone="calm"
          value={format.power(summary?.totalPower)}
          label={t("bar.power")}
          detail={summary ? t("bar.plan", { power: format.power(summary.expectedPower) }) : ""}
        />
      </section>
      <BarClock live={live} />
      <BarMenu />
    </header>
  );
}
