import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import i18next from "i18next";
import type { ReactNode } from "react";
import { I18nextProvider, initReactI18next } from "react-i18next";
import type { LampState } from "../api/types";
import { TimeZoneContext } from "../format/timeZone";
import en from "../i18n/en.json";
import id from "../i18n/id.json";
import type { Language } from "../i18n/language";
import { DomainClock } from "../state/clock";
import { type Desk, DeskProvider } from "../state/desk";
import { LampStore } from "../state/lampStore";
import { cssVariables } from "../theme/cssVariables";
import { type Theme, ThemeContext } from "../theme/theme";

/** The system's time in tests: an hour after sunset in Soreang. */
export const NOW = "2025-11-24T12:00:00Z";

/** A desk whose clock does not move and whose store reports changes at once. */
export function testDesk(lamps: LampState[] = []): Desk {
  const desk = { store: new LampStore((flush) => flush()), clock: new DomainClock(() => 0) };
  desk.clock.set({ time: NOW, speed: 1 });
  desk.store.upsert(lamps);
  return desk;
}

interface Surroundings {
  language?: Language;
  theme?: Theme;
  desk?: Desk;
  /** Fills the query cache beforehand. */
  known?: (queries: QueryClient) => void;
}

/** Render a part of the screen with everything around it that it takes from contexts. */
export function show(node: ReactNode, surroundings: Surroundings = {}) {
  const { language = "en", theme = "dark", desk = testDesk(), known } = surroundings;
  const i18n = i18next.createInstance();
  void i18n.use(initReactI18next).init({
    resources: { id: { translation: id }, en: { translation: en } },
    lng: language,
    initAsync: false,
    interpolation: { escapeValue: false },
  });
  const queries = new QueryClient({
    defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } },
  });
  known?.(queries);
  const wrapper = ({ children }: { children: ReactNode }) => (
    <I18nextProvider i18n={i18n}>
      <MantineProvider env="test" cssVariablesResolver={cssVariables}>
        <QueryClientProvider client={queries}>
          <DeskProvider desk={desk}>
            <ThemeContext value={theme}>
              <TimeZoneContext value="Asia/Jakarta">{children}</TimeZoneContext>
            </ThemeContext>
          </DeskProvider>
        </QueryClientProvider>
      </MantineProvider>
    </I18nextProvider>
  );
  return { user: userEvent.setup(), desk, queries, i18n, ...render(node, { wrapper }) };
}
