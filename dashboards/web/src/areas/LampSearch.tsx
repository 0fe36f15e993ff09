import { TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../format/useFormat";
import { LampMarkIcon } from "../lamp/LampMarkIcon";
import { useDesk, useStoreVersion } from "../state/desk";
import { setView } from "../state/view";
import styles from "./LampSearch.module.css";
import { findLamps } from "./search";

const SHOWN = 8;

function useSlashFocuses() {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
      if (event.key !== "/" || typing) return;
      event.preventDefault();
      input.current?.focus();
    };
    window.addEventListener("keydown", focus);
    return () => window.removeEventListener("keydown", focus);
  }, []);
  return input;
}

export function LampSearch() {
  const { t } = useTranslation();
  const format = useFormat();
  const { store } = useDesk();
  const version = useStoreVersion();
  const input = useSlashFocuses();
  const [query, setQuery] = useState("");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for the store's content
  const found = useMemo(() => findLamps(store.values(), query), [store, version, query]);
  const pick = (lampId: string) => {
    // The row goes away; the search is where the keyboard comes back to.
    input.current?.focus();
    setView({ lampId });
    setQuery("");
  };
  return (
    <search className={styles.search}>
      <TextInput
        ref={input}
        type="search"
        value={query}
        onChange={(event) => setQuery(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && found[0]) pick(found[0].id);
          if (event.key !== "Escape" || query === "") return;
          event.preventDefault();
          setQuery("");
        }}
        placeholder={t("areas.search")}
        aria-label={t("areas.search")}
        leftSection={<IconSearch size={16} />}
        data-testid="lamp-search"
      />
      {query.trim() !== "" && (
        <ul className={styles.results}>
          {found.slice(0, SHOWN).map((lamp) => (
            <li key={lamp.id}>
              <button type="button" onClick={() => pick(lamp.id)} data-testid={`search-row-${lamp.id}`}>
                <LampMarkIcon lamp={lamp} />
                <span className={styles.id}>{lamp.id}</span>
                <span className={styles.road}>{lamp.road}</span>
              </button>
            </li>
          ))}
          {found.length === 0 && <li className={styles.hint}>{t("areas.noMatch", { query })}</li>}
          {found.length > SHOWN && (
            <li className={styles.hint}>
              {t("areas.moreMatches", { amount: format.count(found.length - SHOWN) })}
            </li>
          )}
        </ul>
      )}
    </search>
  );
}
