import { createContext, useContext } from "react";

export type Theme = "dark" | "light";

/** The theme in effect, whether chosen or following the sun. */
export const ThemeContext = createContext<Theme>("dark");

export const useTheme = (): Theme => useContext(ThemeContext);
