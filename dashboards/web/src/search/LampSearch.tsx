import { Combobox, TextInput, useCombobox } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { LampState } from "../api/types";
import { useFormat } from "../format/useFormat";
import { useDesk, useStoreVersion } from "../state/desk";
import { markOf } from "../state/lampMark";
import { setView } from "../state/view";
import { LampIcon } from "../ui/LampIcon";
import { findLamps } from "./findLamps";
import styles from "./LampSearch.module.css";

const SHOWN = 8;

function useSlashFocuses() {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (event: globalThis.KeyboardEvent) => {
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

/** Find a lamp by its id or its road; "/" goes here from anywhere, Enter takes the first match. */
export function LampSearch() {
  const { t } = useTranslation();
  const { store } = useDesk();
  const version = useStoreVersion();
  const input = useSlashFocuses();
  const [query, setQuery] = useState("");
  const searching = query.trim() !== "";
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version changes with the store's content
  const found = useMemo(() => findLamps(store.values(), query), [store, version, query]);
  const combobox = useCombobox({ opened: searching });
  // biome-ignore lint/correctness/useExhaustiveDependencies: Enter takes the first match of every new query
  useEffect(() => void combobox.selectFirstOption(), [query]);
  const pick = (lampId: string) => {
    // The list goes away, so keep the focus in the search.
    input.current?.focus();
    setView({ lampId });
    setQuery("");
  };
  const clearOnEscape = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || query === "") return;
    event.preventDefault();
    setQuery("");
  };
  return (
    <search className={styles.search}>
      <Combobox store={combobox} withinPortal={false} onOptionSubmit={pick}>
        <Combobox.EventsTarget withExpandedAttribute>
          <TextInput
            ref={input}
            type="search"
            value={query}
            onChange={(event) => setQuery(event.currentTarget.value)}
            onKeyDown={clearOnEscape}
            placeholder={t("areas.search")}
            aria-label={t("areas.search")}
            leftSection={<IconSearch size={16} />}
            data-testid="lamp-search"
          />
        </Combobox.EventsTarget>
        {searching && <Matches found={found} query={query} />}
      </Combobox>
    </search>
  );
}

function Matches({ found, query }: { found: LampState[]; query: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div className={styles.results}>
      <Combobox.Options aria-label={t("areas.search")}>
        {found.slice(0, SHOWN).map((lamp) => (
          <Combobox.Option
            key={lamp.id}
            value={lamp.id}
            className={styles.option ?? ""}
            data-testid={`search-row-${lamp.id}`}
          >
            <LampIcon {...markOf(lamp)} />
            <span className={styles.id}>{lamp.id}</span>
            <span className={styles.road}>{lamp.road}</span>
          </Combobox.Option>
        ))}
      </Combobox.Options>
      <div role="status">
        {found.length === 0 && <p className={styles.hint}>{t("areas.noMatch", { query })}</p>}
        {found.length > SHOWN && (
          <p className={styles.hint}>
            {t("areas.moreMatches", { amount: format.count(found.length - SHOWN) })}
          </p>
        )}
      </div>
    </div>
  );
}
