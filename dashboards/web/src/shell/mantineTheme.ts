import { createTheme, type MantineColorsTuple } from "@mantine/core";

const amber: MantineColorsTuple = [
  "#fff6e3",
  "#ffe9bf",
  "#ffd98a",
  "#fbc45d",
  "#f6b348",
  "#f2a73b",
  "#dd8f1e",
  "#b86e00",
  "#8f5400",
  "#663b00",
];

/** Mantine's dark shades, turned to ink. */
const ink: MantineColorsTuple = [
  "#e9eef8",
  "#b9c6df",
  "#94a5c6",
  "#5b6d92",
  "#31446a",
  "#1d2b47",
  "#16223a",
  "#101a2d",
  "#0a111f",
  "#060b16",
];

export const mantineTheme = createTheme({
  colors: { amber, dark: ink },
  primaryColor: "amber",
  primaryShade: 5,
  autoContrast: true,
  luminanceThreshold: 0.35,
  fontFamily: '"Figtree Variable", system-ui, sans-serif',
  headings: {
    fontFamily: '"Bricolage Grotesque Variable", "Figtree Variable", sans-serif',
    fontWeight: "600",
  },
  defaultRadius: 8,
  cursorType: "pointer",
});
