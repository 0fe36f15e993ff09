import { Button } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAlarms, useAreas } from "../api/queries";
import { useFormat } from "../format/useFormat";
import { groupFaults } from "../state/alarms";
import { setView, useView } from "../state/view";
import { EmptyHint } from "../ui/EmptyHint";
import { Failed } from "../ui/Failed";
import { List } from "../ui/ListRow";
import styles from "./FaultList.module.css";
import { FaultRow } from "./FaultRow";

const PAGE = 100;

/** Every device with a fault, those of the chosen area if one is chosen. */
export function FaultList() {
  const { t } = useTranslation();
  const format = useFormat();
  const alarms = useAlarms();
  const areas = useAreas();
  const { areaId } = useView();
  const [shown, setShown] = useState(PAGE);
  const area = areas.data?.find((each) => each.id === areaId);
  if (alarms.isError) return <Failed text={t("faults.failed")} onRetry={() => void alarms.refetch()} />;
  const groups = groupFaults(alarms.data ?? [], areaId);
  const left = groups.length - shown;
  return (
    <div data-testid="fault-list" data-count={groups.length}>
      {areaId && (
        <p className={styles.filter}>
          {area?.name ?? areaId}
          <Button size="compact-xs" variant="subtle" onClick={() => setView({ areaId: null })}>
            {t("faults.showAll")}
          </Button>
        </p>
      )}
      {alarms.data && groups.length === 0 && (
        <EmptyHint>
          {areaId ? t("faults.noneInArea", { area: area?.name ?? areaId }) : t("faults.none")}
        </EmptyHint>
      )}
      <List>
        {groups.slice(0, shown).map((group) => (
          <FaultRow key={group.deviceId} group={group} />
        ))}
      </List>
      {left > 0 && (
        <Button fullWidth variant="subtle" onClick={() => setShown(shown + PAGE)}>
          {t("faults.more", { amount: format.count(Math.min(left, PAGE)) })}
        </Button>
      )}
    </div>
  );
}
