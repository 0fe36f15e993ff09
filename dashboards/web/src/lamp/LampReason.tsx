import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import type { LampDetail, LampState } from "../api/types";
import { useFormat } from "../format/useFormat";
import { useNow } from "../state/desk";
import { Muted } from "../ui/Muted";
import styles from "./LampReason.module.css";

/** Built-in programs are named in the user's language; others have the name they were given. */
function programName({ id, name }: LampDetail["program"], t: TFunction): string {
  return id === "astro-default" ? t("program.astro-default") : name;
}

function why(lamp: LampState, detail: LampDetail | undefined, t: TFunction): string {
  if (lamp.override) {
    const name = lamp.override.requestedBy;
    return name ? t("reason.override", { name }) : t("reason.overridePlain");
  }
  switch (lamp.reason) {
    case "program":
      return detail
        ? t("reason.program", { program: programName(detail.program, t) })
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

function Next({ next }: { next: LampDetail["nextChange"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Muted testId="lamp-next">
      {next
        ? t("lamp.next", { time: format.time(next.time), level: format.level(next.level) })
        : t("lamp.noNext")}
    </Muted>
  );
}

/** Why the lamp has its level, until when, and the next change. */
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
      {detail && <Next next={detail.nextChange} />}
    </section>
  );
}
