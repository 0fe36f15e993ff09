import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import type { LampDetail, LampState } from "../api/types";
import { useFormat } from "../format/useFormat";
import { useNow } from "../state/desk";
import styles from "./LampPanel.module.css";

function why(lamp: LampState, detail: LampDetail | undefined, t: TFunction): string {
  if (lamp.override) {
    const name = lamp.override.requestedBy;
    return name ? t("reason.override", { name }) : t("reason.overridePlain");
  }
  switch (lamp.reason) {
    case "program":
      return detail?.program
        ? t("reason.program", { program: detail.program.name })
        : t("reason.programPlain");
    case "override":
      return t("reason.overridePlain");
    case "sensor":
      return t("reason.sensor");
    case "default":
      return t("reason.default");
    default:
      return t("reason.unknown");
  }
}

/** What happens next; while set by hand, that is the end of it. */
function Next({ lamp, detail }: { lamp: LampState; detail: LampDetail }) {
  const { t } = useTranslation();
  const format = useFormat();
  const next = detail.nextChange;
  const held =
    lamp.override !== null &&
    Date.parse(lamp.override.expiration ?? "9999") < Date.parse(next?.time ?? "9999");
  const text = () => {
    if (held) return t("lamp.thenProgram");
    if (!next || (lamp.override && !lamp.override.expiration)) return t("lamp.noNext");
    return t("lamp.next", { time: format.time(next.time), level: format.level(next.level) });
  };
  return (
    <p className={styles.quiet} data-testid="lamp-next">
      {text()}
    </p>
  );
}

/** "Why is this lamp on?", and what happens next. */
export function LampReason({ lamp, detail }: { lamp: LampState; detail: LampDetail | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = useNow(1_000);
  const { override } = lamp;
  const reason = override ? "override" : lamp.reason;
  return (
    <section
      className={styles.reason}
      aria-label={t("lamp.whyTitle")}
      data-testid="lamp-reason"
      data-reason={reason ?? "unknown"}
    >
      <p>
        {why(lamp, detail, t)}
        {override &&
          `, ${
            override.expiration
              ? t("reason.until", {
                  time: format.time(override.expiration),
                  left: format.span(Date.parse(override.expiration) - now),
                })
              : t("reason.noEnd")
          }`}
      </p>
      {override?.note && <p className={styles.quote}>“{override.note}”</p>}
      {detail && <Next lamp={lamp} detail={detail} />}
    </section>
  );
}
