import { useTranslation } from "react-i18next";
import { useAreas } from "../api/queries";
import type { Area } from "../api/types";
import { useFormat } from "../format/useFormat";
import { useDesk, useStoreVersion } from "../state/desk";
import type { Counts } from "../state/lampStore";
import { setView, useView } from "../state/view";
import { EmptyHint } from "../ui/EmptyHint";
import { Failed } from "../ui/Failed";
import { LampIcon } from "../ui/LampIcon";
import { List, ListRow } from "../ui/ListRow";
import styles from "./AreaList.module.css";

/** Counted over the loaded lamps, which are live; the server's counts until they are loaded. */
function useAreaCounts(areas: readonly Area[]): (Counts & { id: string; name: string })[] {
  const { store } = useDesk();
  useStoreVersion();
  return areas.map((area) => (store.size > 0 ? { ...area, ...store.countsOf(area.id) } : area));
}

export function AreaList({ onPicked }: { onPicked?: (() => void) | undefined }) {
  const { t } = useTranslation();
  const areas = useAreas();
  const rows = useAreaCounts(areas.data ?? []).filter((row) => row.total > 0);
  const { areaId } = useView();
  if (areas.isError) return <Failed text={t("areas.failed")} onRetry={() => void areas.refetch()} />;
  if (areas.data && rows.length === 0) return <EmptyHint>{t("areas.empty")}</EmptyHint>;
  const pick = (id: string | null) => {
    setView({ areaId: id, lampId: null });
    onPicked?.();
  };
  return (
    <List data-testid="area-list">
      {rows.length > 1 && (
        <ListRow selected={areaId === null} onPick={() => pick(null)}>
          <span className={styles.name}>{t("areas.all")}</span>
        </ListRow>
      )}
      {rows.map((row) => (
        <AreaRow key={row.id} row={row} selected={row.id === areaId} onPick={() => pick(row.id)} />
      ))}
    </List>
  );
}

interface AreaRowProps {
  row: Counts & { id: string; name: string };
  selected: boolean;
  onPick: () => void;
}

function AreaRow({ row, selected, onPick }: AreaRowProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const parts = (["lit", "off", "fault", "unknown"] as const).filter((kind) => row[kind] > 0);
  return (
    <ListRow
      selected={selected}
      onPick={onPick}
      className={styles.row}
      data-testid={`area-row-${row.id}`}
      data-lit={row.lit}
      data-total={row.total}
      data-fault={row.fault}
    >
      <span className={styles.name}>{row.name}</span>
      {row.fault > 0 && (
        <span className={styles.fault} title={t("faults.title")}>
          <LampIcon kind="fault" size={12} />
          {format.count(row.fault)}
        </span>
      )}
      <span className={styles.share} aria-hidden="true">
        {parts.map((kind) => (
          <span key={kind} data-kind={kind} style={{ flexGrow: row[kind] }} />
        ))}
      </span>
      <span className={styles.counts}>
        {t("areas.lit", { lit: format.count(row.lit), total: format.count(row.total) })}
      </span>
    </ListRow>
  );
}
