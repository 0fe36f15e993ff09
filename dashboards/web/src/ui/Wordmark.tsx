import styles from "./Wordmark.module.css";

export function Wordmark({ size }: { size: number }) {
  return (
    <span className={styles.wordmark} style={{ fontSize: size }}>
      <svg viewBox="0 0 24 24" width={size * 1.15} height={size * 1.15} aria-hidden="true">
        <path d="M6 22V9a5.5 5.5 0 0 1 11 0" className={styles.pole} />
        <circle cx="17" cy="12" r="6.5" className={styles.glow} />
        <circle cx="17" cy="12" r="3.2" className={styles.lamp} />
      </svg>
      Lentera
    </span>
  );
}
