import type { ComponentProps, ReactNode } from "react";
import styles from "./ListRow.module.css";

export function List({ children, ...rest }: ComponentProps<"ul">) {
  return (
    <ul className={styles.list} {...rest}>
      {children}
    </ul>
  );
}

type ListRowProps = Omit<ComponentProps<"li">, "onClick" | "className"> & {
  selected: boolean;
  onPick: () => void;
  /** A second control at the end of the row. */
  action?: ReactNode;
  /** How the content is laid out. */
  className?: string | undefined;
};

/** One line of a list that can be picked. */
export function ListRow({ selected, onPick, action, className, children, ...rest }: ListRowProps) {
  return (
    <li className={styles.row} data-selected={selected} {...rest}>
      <button
        type="button"
        className={`${styles.main} ${className ?? ""}`}
        aria-pressed={selected}
        onClick={onPick}
      >
        {children}
      </button>
      {action}
    </li>
  );
}
