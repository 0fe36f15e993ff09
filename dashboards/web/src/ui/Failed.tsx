import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import styles from "./Failed.module.css";

export function Failed({ text, onRetry }: { text: string; onRetry: () => void }) {
  const { t } = useTranslation();
  return (
    <div className={styles.failed} role="alert">
      <p>{text}</p>
      <Button size="xs" variant="default" onClick={onRetry}>
        {t("retry")}
      </Button>
    </div>
  );
}
