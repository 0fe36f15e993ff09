import { Drawer } from "@mantine/core";
import { type KeyboardEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import styles from "./Sheet.module.css";

interface SheetProps {
  label: string;
  onClose: () => void;
  children: ReactNode;
}

const DRAG_PX = 48;

/** Focus what opened, unless something inside has the focus already. */
function prepare(sheet: HTMLElement | null): void {
  if (!sheet) return;
  // Mantine marks every drawer as modal, but the map and the night strip stay usable beside this one.
  sheet.removeAttribute("aria-modal");
  if (!sheet.contains(document.activeElement)) sheet.focus({ preventScroll: true });
}

/** A bottom sheet that leaves the map usable: drag or tap the handle to grow, drag it down to close. */
export function Sheet({ label, onClose, children }: SheetProps) {
  const [tall, setTall] = useState(false);
  const closeOnEscape = (event: KeyboardEvent) => {
    // A field inside that was cleared by Escape has prevented the default.
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    onClose();
  };
  return (
    <Drawer.Root
      opened
      onClose={onClose}
      onKeyDown={closeOnEscape}
      position="bottom"
      withinPortal={false}
      trapFocus={false}
      lockScroll={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      transitionProps={{ duration: 0 }}
      classNames={{ inner: styles.inner ?? "", content: styles.sheet ?? "" }}
    >
      <Drawer.Content ref={prepare} aria-label={label} data-tall={tall} data-testid="sheet">
        <Handle tall={tall} onTall={setTall} onClose={onClose} />
        {children}
      </Drawer.Content>
    </Drawer.Root>
  );
}

interface HandleProps {
  tall: boolean;
  onTall: (tall: boolean) => void;
  onClose: () => void;
}

function Handle({ tall, onTall, onClose }: HandleProps) {
  const { t } = useTranslation();
  const [startY, setStartY] = useState<number | null>(null);
  const release = (endY: number) => {
    if (startY === null) return;
    const moved = endY - startY;
    setStartY(null);
    if (moved > DRAG_PX && !tall) onClose();
    else if (Math.abs(moved) <= DRAG_PX) onTall(!tall);
    else onTall(moved < 0);
  };
  return (
    <button
      type="button"
      className={styles.handle}
      aria-expanded={tall}
      aria-label={t("sheet.grow")}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setStartY(event.clientY);
      }}
      onPointerUp={(event) => release(event.clientY)}
      onPointerCancel={() => setStartY(null)}
      onKeyDown={(event) => {
        if (event.key === "Enter" || event.key === " ") onTall(!tall);
      }}
    >
      <span />
    </button>
  );
}
