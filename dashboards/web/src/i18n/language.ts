export const LANGUAGES = ["id", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

const asLanguage = (tag: string | null | undefined): Language | null => {
  const primary = (tag ?? "").toLowerCase().split("-")[0];
  if (primary === "id" || primary === "in") return "id";
  return primary === "en" ? "en" : null;
};

/** What was chosen before, else the browser's first language that we speak, else Indonesian. */
export function pickLanguage(stored: string | null, preferred: readonly string[]): Language {
  for (const tag of [stored, ...preferred]) {
    const language = asLanguage(tag);
    if (language) return language;
  }
  return "id";
}
