import { IconAlertTriangle, IconMapPin } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAlarms } from "../api/queries";
import { FaultList } from "../faults/FaultList";
import { useFormat } from "../format/useFormat";
import { Sheet } from "../shell/Sheet";
import { useNarrow } from "../shell/useNarrow";
import { groupFaults } from "../state/alarms";
import type { Panel } from "../state/hash";
import { setView, useView } from "../state/view";
import { AreaList } from "./AreaList";
import { LampSearch } from "./LampSearch";
import styles from "./SidePanel.module.css";

const TABS: { panel: Panel; label: "areas.title" | "faults.title"; icon: typeof IconMapPin }[] = [
  { panel: "areas", label: "areas.title", icon: IconMapPin },
  { panel: "faults", label: "faults.title", icon: IconAlertTriangle },
];

/** The lists: docked on a laptop, a sheet behind two buttons on a phone. */
export function SidePanel() {
  const narrow = useNarrow();
  const { panel, lampId } = useView();
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (lampId) setOpen(false);
  }, [lampId]);
  if (!narrow) {
    return (
      <aside className={styles.dock}>
        <LampSearch />
        <Tabs onPick={(picked) => setView({ panel: picked })} current={panel} />
        <Lists panel={panel} />
      </aside>
    );
  }
  const pick = (picked: Panel) => {
    setView({ panel: picked });
    setOpen(true);
  };
  return (
    <>
      {!lampId && !open && (
        <nav className={styles.thumb}>
          <Tabs onPick={pick} current={null} />
        </nav>
      )}
      {open && (
        <Sheet onClose={() => setOpen(false)} label={panel === "areas" ? "areas.title" : "faults.title"}>
          <LampSearch />
          <Tabs onPick={pick} current={panel} />
          <Lists panel={panel} onPicked={() => setOpen(false)} />
        </Sheet>
      )}
    </>
  );
}

function Lists({ panel, onPicked }: { panel: Panel; onPicked?: () => void }) {
  return (
    <div className={styles.lists}>{panel === "areas" ? <AreaList onPicked={onPicked} /> : <FaultList />}</div>
  );
}

function Tabs({ current, onPick }: { current: Panel | null; onPick: (panel: Panel) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const alarms = useAlarms();
  const faults = groupFaults(alarms.data ?? [], null).length;
  return (
    <div className={styles.tabs}>
      {TABS.map(({ panel, label, icon: Icon }) => (
        <button
          key={panel}
          type="button"
          className={styles.tab}
          aria-pressed={panel === current}
          onClick={() => onPick(panel)}
          data-testid={`tab-${panel}`}
        >
          <Icon size={16} aria-hidden="true" />
          {t(label)}
          {panel === "faults" && faults > 0 && <span className={styles.badge}>{format.count(faults)}</span>}
        </button>
      ))}
    </div>
  );
}
