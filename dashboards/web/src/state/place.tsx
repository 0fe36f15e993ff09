import { createContext, useContext } from "react";
import type { Theme } from "../night/sky";

/** Where and how the desk is looked at. */
export interface Place {
  timeZone: string;
  theme: Theme;
}

export const PlaceContext = createContext<Place>({ timeZone: "Asia/Jakarta", theme: "dark" });

export const usePlace = () => useContext(PlaceContext);
