import { createTheme } from "@mantine/core";
import { AMBER, INK } from "./colours";
import { DISPLAY_FONT, TEXT_FONT } from "./fonts";

export const mantineTheme = createTheme({
  // Mantine's dark shades are its grounds and borders at night.
  colors: { amber: AMBER, dark: INK },
  primaryColor: "amber",
  primaryShade: 5,
  autoContrast: true,
  luminanceThreshold: 0.35,
  fontFamily: TEXT_FONT,
  headings: { fontFamily: DISPLAY_FONT, fontWeight: "600" },
  defaultRadius: 8,
  cursorType: "pointer",
});
