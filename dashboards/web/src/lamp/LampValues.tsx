import { useTranslation } from "react-i18next";
import type { AttributeValue } from "../api/types";
import { useFormat } from "../format/useFormat";
import { useNow } from "../state/desk";
import { Muted } from "../ui/Muted";
import { SectionTitle } from "../ui/SectionTitle";
import styles from "./LampValues.module.css";

const ORDER = [
  "activePower",
  "supplyVoltage",
  "supplyCurrent",
  "powerFactor",
  "temperature",
  "activeEnergy",
  "operatingHours",
  "switchOnCounter",
] as const;

/** Every measured value with its unit and its age. */
export function LampValues({ values }: { values: AttributeValue[] | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = useNow(1_000);
  const byName = new Map(values?.map((value) => [value.attribute, value]));
  const shown = ORDER.flatMap((name) => {
    const value = byName.get(name);
    return value && typeof value.value === "number" ? [{ name, ...value, value: value.value }] : [];
  });
  return (
    <section aria-label={t("lamp.values")}>
      <SectionTitle>{t("lamp.values")}</SectionTitle>
      {values && shown.length === 0 && <Muted>{t("lamp.noValues")}</Muted>}
      {shown.length > 0 && (
        <dl className={styles.values} data-testid="lamp-values">
          {shown.map(({ name, value, unit, time }) => (
            <div key={name} data-attribute={name} data-value={value}>
              <dt>{t(`attribute.${name}`)}</dt>
              <dd>
                {format.quantity(value, unit)}
                {time && <small>{format.age(time, now)}</small>}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}
