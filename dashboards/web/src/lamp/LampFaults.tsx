import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useAlarms } from "../api/queries";
import { useFormat } from "../format/useFormat";
import { useEventName } from "../i18n/useEventName";
import { useNow } from "../state/desk";
import { Muted } from "../ui/Muted";
import styles from "./LampFaults.module.css";

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
          <Muted as="span">{format.age(alarm.raisedAt, now)}</Muted>
        </li>
      ))}
    </ul>
  );
}
