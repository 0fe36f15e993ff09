import { useMediaQuery } from "@mantine/hooks";

/** A phone held upright: panels become sheets. Known at the first render, so that nothing jumps. */
export const useNarrow = () => useMediaQuery("(max-width: 767px)", false, { getInitialValueInEffect: false });
