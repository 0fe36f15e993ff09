import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import i18next from "i18next";
import type { ReactNode } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { I18nextProvider, initReactI18next } from "react-i18next";
import en from "../i18n/en.json";
import id from "../i18n/id.json";
import type { Language } from "../i18n/language";

/** What a part of the screen says at its first render; `known` fills the query cache beforehand. */
export function markup(
  node: ReactNode,
  language: Language,
  known: (queries: QueryClient) => void = () => {},
) {
  const i18n = i18next.createInstance();
  void i18n.use(initReactI18next).init({
    resources: { id: { translation: id }, en: { translation: en } },
    lng: language,
    initAsync: false,
    interpolation: { escapeValue: false },
  });
  const queries = new QueryClient();
  known(queries);
  return renderToStaticMarkup(
    <I18nextProvider i18n={i18n}>
      <MantineProvider>
        <QueryClientProvider client={queries}>{node}</QueryClientProvider>
      </MantineProvider>
    </I18nextProvider>,
  );
}
