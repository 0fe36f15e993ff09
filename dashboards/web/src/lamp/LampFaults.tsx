import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useAlarms } from "../api/queries";
import { useEventName } from "../faults/useEventName";
import { useFormat } from "../format/useFormat";
import { useNow } from "../state/desk";
import styles from "./LampPanel.module.css";

export function LampFaults({ lampId }: { lampId: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const eventName = useEventName();
  const now = useNow(5_000);
  const alarms = useAlarms().data?.filter((alarm) => alarm.lampId === lampId) ?? [];
  if (alarms.length === 0) return null;
  return (
    <ul className={styles.faults} aria-label={t("lamp.faults")} data-testid="lamp-faults">
      {alarms.map((alarm) => (
        <li key={alarm.id} data-type={alarm.type}>
          <IconAlertTriangle size={16} aria-hidden="true" color="var(--fault)" />
          <strong>{eventName(alarm.type)}</strong>
          <span className={styles.quiet}>{format.age(alarm.raisedAt, now)}</span>
        </li>
      ))}
    </ul>
  );
}
