import type { CSSVariablesResolver } from "@mantine/core";
import { COLOURS, LOGIN, ON_SKY, type Palette } from "./colours";
import { toVariables } from "./variables";

const forMantine = ({ surface, text, muted }: Palette) => ({
  "--mantine-color-body": surface,
  "--mantine-color-text": text,
  "--mantine-color-dimmed": muted,
});

/** Mantine writes these onto the page next to its own variables, so that both change at the same moment. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: { ...toVariables(ON_SKY, "sky-"), ...toVariables(LOGIN, "login-") },
  dark: { ...toVariables(COLOURS.dark), ...forMantine(COLOURS.dark) },
  light: { ...toVariables(COLOURS.light), ...forMantine(COLOURS.light) },
});
