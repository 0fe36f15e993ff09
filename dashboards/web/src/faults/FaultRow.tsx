import { ActionIcon, Tooltip } from "@mantine/core";
import { IconEye, IconEyeCheck, IconRouterOff } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useAcknowledge, useSession } from "../api/queries";
import { useFormat } from "../format/useFormat";
import { LampMarkIcon } from "../lamp/LampMarkIcon";
import { acknowledged, type FaultGroup } from "../state/alarms";
import { useDesk, useLamp, useNow } from "../state/desk";
import { setView, useView } from "../state/view";
import styles from "./FaultList.module.css";
import { useEventName } from "./useEventName";

/** One device and what is wrong with it; a press goes to its place on the map. */
export function FaultRow({ group }: { group: FaultGroup }) {
  const { t } = useTranslation();
  const format = useFormat();
  const eventName = useEventName();
  const { store } = useDesk();
  const lamp = useLamp(group.lampId);
  const view = useView();
  const now = useNow(5_000);
  const known = acknowledged(group);
  const go = () => {
    if (group.lampId) setView({ lampId: group.lampId });
    else setView({ lampId: firstLampOf(store.values(), group.gatewayId) });
  };
  return (
    <li
      className={styles.row}
      data-testid={`fault-row-${group.deviceId}`}
      data-type={group.worst.type}
      data-severity={group.worst.severity}
      data-acknowledged={known}
    >
      <button
        type="button"
        className={styles.main}
        aria-pressed={group.lampId !== null && group.lampId === view.lampId}
        onClick={go}
      >
        <span className={styles.mark}>
          {lamp ? <LampMarkIcon lamp={lamp} /> : <IconRouterOff size={16} aria-hidden="true" />}
        </span>
        <span className={styles.what}>
          {eventName(group.worst.type)}
          {group.alarms.length > 1 && (
            <span className={styles.also}>{t("faults.also", { count: group.alarms.length - 1 })}</span>
          )}
        </span>
        <span className={styles.age}>{format.age(group.worst.raisedAt, now)}</span>
        <span className={styles.where}>
          {group.lampId ?? t("faults.gateway", { id: group.gatewayId })}
          {lamp?.road ? ` · ${lamp.road}` : ""}
        </span>
      </button>
      <Acknowledge group={group} known={known} />
    </li>
  );
}

function firstLampOf(
  lamps: Iterable<{ id: string; gatewayId: string }>,
  gatewayId: string | null,
): string | null {
  for (const lamp of lamps) if (lamp.gatewayId === gatewayId) return lamp.id;
  return null;
}

function Acknowledge({ group, known }: { group: FaultGroup; known: boolean }) {
  const acknowledge = useAcknowledge();
  const session = useSession();
  if (session.data?.role === "viewer" && !known) return null;
  const send = () => {
    for (const alarm of group.alarms) if (!alarm.acknowledgedAt) acknowledge.mutate(alarm.id);
  };
  return (
    <AcknowledgeButton
      deviceId={group.deviceId}
      by={known ? (group.worst.acknowledgedBy ?? "") : null}
      failed={acknowledge.isError}
      pending={acknowledge.isPending}
      onSend={send}
    />
  );
}

interface AcknowledgeButtonProps {
  deviceId: string;
  /** Who has acknowledged it; null while nobody has. */
  by: string | null;
  failed: boolean;
  pending: boolean;
  onSend: () => void;
}

export function AcknowledgeButton({ deviceId, by, failed, pending, onSend }: AcknowledgeButtonProps) {
  const { t } = useTranslation();
  const known = by !== null;
  const wrong = failed && !known;
  const asked = wrong ? t("faults.notAcknowledged") : t("faults.acknowledge");
  const label = known ? t("faults.acknowledged", { name: by }) : asked;
  return (
    <Tooltip label={label} withArrow {...(wrong ? { opened: true, color: "red" } : {})}>
      <ActionIcon
        variant={known || wrong ? "light" : "subtle"}
        color={wrong ? "red" : known ? "teal" : "gray"}
        aria-label={label}
        aria-pressed={known}
        disabled={pending}
        onClick={known ? undefined : onSend}
        data-testid={`acknowledge-${deviceId}`}
        data-failed={wrong}
      >
        {known ? <IconEyeCheck size={17} /> : <IconEye size={17} stroke={1.6} />}
      </ActionIcon>
    </Tooltip>
  );
}
