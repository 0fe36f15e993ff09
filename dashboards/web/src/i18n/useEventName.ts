import { useTranslation } from "react-i18next";

/** An event type in the user's language; an unknown one keeps its TALQ name. */
export function useEventName(): (type: string) => string {
  const { t, i18n } = useTranslation();
  return (type) => {
    const key = `event.${type}`;
    return i18n.exists(key) ? t(key as "event.lampFailure") : type;
  };
}
