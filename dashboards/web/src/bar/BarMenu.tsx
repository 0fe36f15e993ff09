import { ActionIcon, Menu } from "@mantine/core";
import { IconDots, IconLanguage, IconLogout, IconMoon, IconSun, IconSunset2 } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "../api/client";
import { keys, useSession } from "../api/queries";
import { setLanguage } from "../i18n";
import { LANGUAGES } from "../i18n/language";
import { setThemeChoice, type ThemeChoice, useThemeChoice } from "../theme/themeChoice";
import styles from "./TopBar.module.css";

const THEMES: {
  choice: ThemeChoice;
  label: "bar.themeAuto" | "bar.themeLight" | "bar.themeDark";
  icon: typeof IconSun;
}[] = [
  { choice: "auto", label: "bar.themeAuto", icon: IconSunset2 },
  { choice: "light", label: "bar.themeLight", icon: IconSun },
  { choice: "dark", label: "bar.themeDark", icon: IconMoon },
];

const LANGUAGE_NAMES = { id: "Bahasa Indonesia", en: "English" } as const;

export function BarMenu() {
  const { t, i18n } = useTranslation();
  const queries = useQueryClient();
  const session = useSession();
  const chosen = useThemeChoice();
  const logOut = useMutation({
    mutationFn: api.logOut,
    onSettled: () => queries.resetQueries({ queryKey: keys.session }),
  });
  return (
    <Menu position="bottom-end" width={224} shadow="md">
      <Menu.Target>
        <ActionIcon
          className={styles.menu ?? ""}
          variant="subtle"
          color="gray"
          size="lg"
          aria-label={t("bar.menu")}
          data-testid="menu"
        >
          <IconDots size={20} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("bar.theme")}</Menu.Label>
        {THEMES.map(({ choice, label, icon: Icon }) => (
          <Menu.Item
            key={choice}
            leftSection={<Icon size={16} />}
            aria-current={choice === chosen}
            className={styles.option ?? ""}
            onClick={() => setThemeChoice(choice)}
            data-testid={`theme-${choice}`}
          >
            {t(label)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>{t("bar.language")}</Menu.Label>
        {LANGUAGES.map((language) => (
          <Menu.Item
            key={language}
            leftSection={<IconLanguage size={16} />}
            aria-current={language === i18n.language}
            className={styles.option ?? ""}
            onClick={() => void setLanguage(language)}
            data-testid={`language-${language}`}
            lang={language}
          >
            {LANGUAGE_NAMES[language]}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>{session.data?.username}</Menu.Label>
        <Menu.Item
          leftSection={<IconLogout size={16} />}
          onClick={() => logOut.mutate()}
          data-testid="log-out"
        >
          {t("bar.logOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
