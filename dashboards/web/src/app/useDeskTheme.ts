import { useMantineColorScheme } from "@mantine/core";
import { useEffect } from "react";
import type { Night } from "../api/types";
import { themeAt } from "../night/sky";
import { useNow } from "../state/desk";
import { COLOURS } from "../theme/colours";
import type { Theme } from "../theme/theme";
import { useThemeChoice } from "../theme/themeChoice";

/** The chosen theme, or the one that follows the sun; dark until tonight's sunset is known. */
export function useDeskTheme(night: Night | undefined): Theme {
  const choice = useThemeChoice();
  const now = useNow(5_000);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const theme: Theme = choice === "auto" ? (themeAt(night, now) ?? "dark") : choice;
  useEffect(() => {
    if (colorScheme !== theme) setColorScheme(theme);
  }, [colorScheme, theme, setColorScheme]);
  useEffect(() => {
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", COLOURS[theme].surface);
  }, [theme]);
  return theme;
}
