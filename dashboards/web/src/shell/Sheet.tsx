import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import styles from "./Sheet.module.css";

interface SheetProps {
  label: "areas.title" | "faults.title" | "command.title";
  onClose: () => void;
  children: ReactNode;
}

const DRAG_PX = 48;

/** A bottom sheet that leaves the map usable: drag or tap the handle to grow, drag it down to close. */
export function Sheet({ label, onClose, children }: SheetProps) {
  const { t } = useTranslation();
  const [tall, setTall] = useState(false);
  const [startY, setStartY] = useState<number | null>(null);
  const settle = (endY: number) => {
    if (startY === null) return;
    const moved = endY - startY;
    setStartY(null);
    if (moved > DRAG_PX && !tall) onClose();
    else if (Math.abs(moved) <= DRAG_PX) setTall(!tall);
    else setTall(moved < 0);
  };
  return (
    <section className={styles.sheet} data-tall={tall} aria-label={t(label)}>
      <button
        type="button"
        className={styles.handle}
        aria-expanded={tall}
        aria-label={t(label)}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setStartY(event.clientY);
        }}
        onPointerUp={(event) => settle(event.clientY)}
        onKeyDown={(event) => {
          if (event.key === "Enter" || event.key === " ") setTall(!tall);
          if (event.key === "Escape") onClose();
        }}
      >
        <span />
      </button>
      {children}
    </section>
  );
}
