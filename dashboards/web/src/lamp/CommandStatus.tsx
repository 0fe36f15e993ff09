import { Loader } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck } from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { useCommand } from "../api/queries";
import { refusal } from "../api/refusal";
import type { CommandView } from "../api/types";
import { useFormat } from "../format/useFormat";
import styles from "./LightControl.module.css";

function describe(command: CommandView, t: TFunction, level: (value: number | null) => string): string {
  switch (command.status) {
    case "pending":
      return t("command.pending");
    case "confirmed":
      if (command.level === null) return t("command.released");
      return t("command.confirmed", { level: level(command.results[0]?.level ?? command.level) });
    case "expired":
      return t("command.expired");
    case "partial":
      return t("command.partial");
    default:
      return t("command.failed");
  }
}

/** The gateway's reason for the first lamp that failed: what the crew has to look for. */
function reasonOf(command: CommandView | undefined): string | undefined {
  if (command?.status !== "failed" && command?.status !== "partial") return undefined;
  return command.results.find((result) => result.detail && result.status !== "confirmed")?.detail;
}

function Mark({ status }: { status: string }) {
  if (status === "pending") return <Loader size={16} />;
  const Icon = status === "confirmed" ? IconCircleCheck : IconAlertTriangle;
  return <Icon size={18} aria-hidden="true" />;
}

/** The state of the last command: pending until the lamps have answered, then its result. */
export function CommandStatus({ commandId, refused }: { commandId: string | null; refused: Error | null }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const command = useCommand(commandId).data;
  const status = refused ? "refused" : command?.status;
  if (!status) return null;
  const reason = refused ? undefined : reasonOf(command);
  const text = refused
    ? t("command.refused", { detail: refusal(refused, t, i18n.language) })
    : command && describe(command, t, format.level);
  return (
    <div className={styles.status} role="status" data-testid="command-status" data-status={status}>
      <Mark status={status} />
      <span>
        {text}
        {reason && <small>{reason}</small>}
      </span>
    </div>
  );
}
