import { ActionIcon, Tooltip } from "@mantine/core";
import { IconEye, IconEyeCheck, IconRouterOff } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useAcknowledge, useSession } from "../api/queries";
import { useFormat } from "../format/useFormat";
import { useEventName } from "../i18n/useEventName";
import { acknowledged, type FaultGroup } from "../state/alarms";
import { useDesk, useLamp, useNow } from "../state/desk";
import { markOf } from "../state/lampMark";
import { setView, useView } from "../state/view";
import { LampIcon } from "../ui/LampIcon";
import { ListRow } from "../ui/ListRow";
import styles from "./FaultList.module.css";

/** One device and its faults; picking it shows its lamp, or for a gateway one of its lamps. */
export function FaultRow({ group }: { group: FaultGroup }) {
  const { t } = useTranslation();
  const format = useFormat();
  const eventName = useEventName();
  const { store } = useDesk();
  const lamp = useLamp(group.lampId);
  const view = useView();
  const now = useNow(5_000);
  const known = acknowledged(group);
  const go = () => setView({ lampId: group.lampId ?? firstLampOf(store.values(), group.gatewayId) });
  return (
    <ListRow
      selected={group.lampId !== null && group.lampId === view.lampId}
      onPick={go}
      className={styles.row}
      action={<Acknowledge group={group} known={known} />}
      data-testid={`fault-row-${group.deviceId}`}
      data-type={group.worst.type}
      data-severity={group.worst.severity}
      data-acknowledged={known}
    >
      <span className={styles.mark}>
        {lamp ? <LampIcon {...markOf(lamp)} /> : <IconRouterOff size={16} aria-hidden="true" />}
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
    </ListRow>
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
  const { t } = useTranslation();
  const acknowledge = useAcknowledge();
  const session = useSession();
  if (known) {
    const name = group.worst.acknowledgedBy ?? "";
    return (
      <EyeButton group={group} label={t("faults.acknowledged", { name })} look="done">
        <IconEyeCheck size={17} />
      </EyeButton>
    );
  }
  if (session.data?.role === "viewer") return null;
  const failed = acknowledge.isError;
  const send = () => {
    for (const alarm of group.alarms) if (!alarm.acknowledgedAt) acknowledge.mutate(alarm.id);
  };
  return (
    <EyeButton
      group={group}
      label={failed ? t("faults.notAcknowledged") : t("faults.acknowledge")}
      look={failed ? "failed" : "open"}
      disabled={acknowledge.isPending}
      onClick={send}
    >
      <IconEye size={17} stroke={1.6} />
    </EyeButton>
  );
}

interface EyeButtonProps {
  group: FaultGroup;
  label: string;
  look: "open" | "done" | "failed";
  disabled?: boolean;
  onClick?: () => void;
  children: ReactNode;
}

const COLOUR = { open: "gray", done: "teal", failed: "red" } as const;

function EyeButton({ group, label, look, children, ...rest }: EyeButtonProps) {
  return (
    <Tooltip label={label} withArrow {...(look === "failed" ? { opened: true, color: "red" } : {})}>
      <ActionIcon
        className={styles.acknowledge ?? ""}
        variant={look === "open" ? "subtle" : "light"}
        color={COLOUR[look]}
        aria-label={label}
        aria-pressed={look === "done"}
        data-testid={`acknowledge-${group.deviceId}`}
        data-failed={look === "failed"}
        {...rest}
      >
        {children}
      </ActionIcon>
    </Tooltip>
  );
}
