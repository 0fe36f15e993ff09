import type { TFunction } from "i18next";
import { ApiError } from "./client";

const STATUSES = [401, 403, 404, 422, 429, 503] as const;

/** Why the server refused, in the reader's language; its own words, which are English, only in English. */
export function refusal(error: Error, t: TFunction, language: string): string {
  if (!(error instanceof ApiError)) return t("refusal.network");
  const status = STATUSES.find((known) => known === error.status);
  const reason = status ? t(`refusal.${status}`) : t("refusal.other");
  return language === "en" && error.problem ? `${reason} ${error.message}` : reason;
}
