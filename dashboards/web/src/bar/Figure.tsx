import type { ReactNode } from "react";
import styles from "./TopBar.module.css";

interface FigureProps {
  testId: string;
  /** The number without format, for tests and scripts. */
  raw: number | undefined;
  icon: ReactNode;
  tone: "amber" | "fault" | "calm";
  value: string;
  label: string;
  detail?: string;
  onClick?: () => void;
}

export function Figure({ testId, raw, icon, tone, value, label, detail, onClick }: FigureProps) {
  const content = (
    <>
      <span className={styles.icon}>{icon}</span>
      <strong className={styles.value}>{value}</strong>
      <span className={styles.label}>
        {label} {detail && <span className={styles.detail}>{detail}</span>}
      </span>
    </>
  );
  const shared = {
    className: styles.figure,
    "data-tone": tone,
    "data-testid": testId,
    "data-value": raw,
  };
  if (!onClick) return <div {...shared}>{content}</div>;
  return (
    <button type="button" {...shared} onClick={onClick}>
      {content}
    </button>
  );
}
