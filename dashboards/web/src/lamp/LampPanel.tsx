import { CloseButton } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, type Ref, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/client";
import { keys, useAreas, useLampDetail } from "../api/queries";
import type { LampState } from "../api/types";
import { useLamp } from "../state/desk";
import { markOf } from "../state/lampMark";
import { setView } from "../state/view";
import { Card } from "../ui/Card";
import { Failed } from "../ui/Failed";
import { LampIcon } from "../ui/LampIcon";
import { Sheet } from "../ui/Sheet";
import { useNarrow } from "../ui/useNarrow";
import { LampChart } from "./LampChart";
import { LampFaults } from "./LampFaults";
import styles from "./LampPanel.module.css";
import { LampReason } from "./LampReason";
import { LampValues } from "./LampValues";
import { LevelNow } from "./LevelNow";
import { LightControl } from "./LightControl";

const close = () => setView({ lampId: null });

/** Fetch the detail again whenever the live stream changes this lamp. */
function useFreshDetail(id: string, live: LampState | undefined) {
  const queries = useQueryClient();
  const stamp = `${live?.observedAt}|${live?.reason}|${live?.override?.commandId}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the stamp is what makes the detail stale
  useEffect(() => {
    void queries.invalidateQueries({ queryKey: keys.lamp(id) }, { cancelRefetch: false });
  }, [queries, id, stamp]);
  return useLampDetail(id);
}

interface LampPanelProps {
  id: string;
  canCommand: boolean;
  ref: Ref<HTMLElement>;
}

export function LampPanel({ id, canCommand, ref }: LampPanelProps) {
  const { t } = useTranslation();
  const live = useLamp(id);
  const detail = useFreshDetail(id, live);
  const lamp = live ?? detail.data;
  const missing = detail.error instanceof ApiError && detail.error.status === 404;
  return (
    <Frame label={t("lamp.title", { id })} panelRef={ref}>
      <Head id={id} lamp={lamp} />
      {missing && <p className={styles.missing}>{t("lamp.notFound", { id })}</p>}
      {detail.isError && !missing && <Failed text={t("lamp.failed")} onRetry={() => void detail.refetch()} />}
      {lamp && (
        <div className={styles.body}>
          <LevelNow lamp={lamp} />
          <LampReason lamp={lamp} detail={detail.data} />
          <LampFaults lampId={id} />
          <LightControl lamp={lamp} canCommand={canCommand} />
          <LampChart id={id} />
          <LampValues values={detail.data?.values} />
        </div>
      )}
    </Frame>
  );
}

interface FrameProps {
  label: string;
  panelRef: Ref<HTMLElement>;
  children: ReactNode;
}

function Frame({ label, panelRef, children }: FrameProps) {
  const { t } = useTranslation();
  const narrow = useNarrow();
  const shared = { ref: panelRef, tabIndex: -1, "aria-label": label, "data-testid": "lamp-panel" };
  if (narrow) {
    return (
      <Sheet label={t("command.title")} onClose={close}>
        <section className={styles.inSheet} {...shared}>
          {children}
        </section>
      </Sheet>
    );
  }
  return (
    <Card className={styles.panel} {...shared}>
      {children}
    </Card>
  );
}

function Head({ id, lamp }: { id: string; lamp: LampState | undefined }) {
  const { t } = useTranslation();
  const areas = useAreas();
  const area = areas.data?.find((known) => known.id === lamp?.areaId)?.name;
  return (
    <header className={styles.head}>
      <div>
        <h2>{id}</h2>
        <p>{[lamp?.road, area].filter(Boolean).join(" · ")}</p>
        {lamp && <p>{t("lamp.gateway", { id: lamp.gatewayId })}</p>}
      </div>
      {lamp && (
        <span className={styles.state} data-state={lamp.state} data-testid="lamp-state">
          <LampIcon {...markOf(lamp)} />
          {t(`state.${lamp.state}`)}
        </span>
      )}
      <CloseButton onClick={close} aria-label={t("lamp.close")} data-testid="lamp-close" />
    </header>
  );
}
