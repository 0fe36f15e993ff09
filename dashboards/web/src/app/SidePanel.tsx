import { Tabs } from "@mantine/core";
import { IconAlertTriangle, IconMapPin } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAlarms } from "../api/queries";
import { AreaList } from "../areas/AreaList";
import { FaultList } from "../faults/FaultList";
import { useFormat } from "../format/useFormat";
import { LampSearch } from "../search/LampSearch";
import { groupFaults } from "../state/alarms";
import type { Panel } from "../state/hash";
import { setView, useView } from "../state/view";
import { Card } from "../ui/Card";
import { Sheet } from "../ui/Sheet";
import { useNarrow } from "../ui/useNarrow";
import styles from "./SidePanel.module.css";

const PANELS: { panel: Panel; label: "areas.title" | "faults.title"; icon: typeof IconMapPin }[] = [
  { panel: "areas", label: "areas.title", icon: IconMapPin },
  { panel: "faults", label: "faults.title", icon: IconAlertTriangle },
];

const labelOf = (panel: Panel) => (panel === "areas" ? "areas.title" : "faults.title");

/** The lists: docked on a laptop, a sheet behind two buttons on a phone. */
export function SidePanel() {
  const narrow = useNarrow();
  if (narrow) return <NarrowPanel />;
  return (
    <Card as="aside" className={styles.dock}>
      <LampSearch />
      <Lists />
    </Card>
  );
}

function NarrowPanel() {
  const { t } = useTranslation();
  const { panel, lampId } = useView();
  const [open, setOpen] = useState(false);
  const [closedBySheet, setClosedBySheet] = useState(false);
  useEffect(() => {
    if (!lampId) return;
    setOpen(false);
    setClosedBySheet(false);
  }, [lampId]);
  const close = () => {
    setOpen(false);
    setClosedBySheet(true);
  };
  const pick = (picked: Panel) => {
    setView({ panel: picked });
    setOpen(true);
  };
  if (open) {
    return (
      <Sheet onClose={close} label={t(labelOf(panel))}>
        <LampSearch />
        <Lists onPicked={close} />
      </Sheet>
    );
  }
  if (lampId) return null;
  return (
    <Card as="nav" className={styles.thumb}>
      <div className={styles.tabs}>
        {PANELS.map((each) => (
          <button
            key={each.panel}
            type="button"
            className={styles.tab}
            // The sheet took the focus; it goes back to the button that opened it.
            // biome-ignore lint/a11y/noAutofocus: only after the person has closed the sheet
            autoFocus={closedBySheet && each.panel === panel}
            onClick={() => pick(each.panel)}
            data-testid={`tab-${each.panel}`}
          >
            <TabLabel {...each} />
          </button>
        ))}
      </div>
    </Card>
  );
}

function Lists({ onPicked }: { onPicked?: () => void }) {
  const { panel } = useView();
  return (
    <Tabs
      unstyled
      // A hidden list would be drawn again with every change of a lamp.
      keepMounted={false}
      value={panel}
      onChange={(picked) => setView({ panel: picked === "faults" ? "faults" : "areas" })}
      className={styles.root ?? ""}
    >
      <Tabs.List className={styles.tabs ?? ""}>
        {PANELS.map((each) => (
          <Tabs.Tab
            key={each.panel}
            value={each.panel}
            classNames={{ tab: styles.tab ?? "", tabLabel: styles.tabLabel ?? "" }}
            data-testid={`tab-${each.panel}`}
          >
            <TabLabel {...each} />
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="areas" className={styles.lists ?? ""}>
        <AreaList onPicked={onPicked} />
      </Tabs.Panel>
      <Tabs.Panel value="faults" className={styles.lists ?? ""}>
        <FaultList />
      </Tabs.Panel>
    </Tabs>
  );
}

function TabLabel({ panel, label, icon: Icon }: (typeof PANELS)[number]) {
  const { t } = useTranslation();
  const format = useFormat();
  const faults = groupFaults(useAlarms().data ?? [], null).length;
  return (
    <>
      <Icon size={16} aria-hidden="true" />
      {t(label)}
      {panel === "faults" && faults > 0 && <span className={styles.badge}>{format.count(faults)}</span>}
    </>
  );
}
