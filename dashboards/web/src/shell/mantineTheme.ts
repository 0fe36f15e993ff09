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

export const mantineTheme = createTheme({
  colors: { amber },
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
