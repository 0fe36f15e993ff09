import type { ReactNode } from "react";
import styles from "./EmptyHint.module.css";

/** What to do next where a list has nothing to show. */
export function EmptyHint({ children }: { children: ReactNode }) {
  return <p className={styles.hint}>{children}</p>;
}
