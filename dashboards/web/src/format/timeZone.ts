import { createContext, useContext } from "react";

export const DEFAULT_TIME_ZONE = "Asia/Jakarta";

/** The time zone of the lamps, in which every time is shown, wherever the browser is. */
export const TimeZoneContext = createContext(DEFAULT_TIME_ZONE);

export const useTimeZone = (): string => useContext(TimeZoneContext);
