/** The family the map draws its own labels with; it is bundled, not fetched. */
export const MAP_FONT = "Figtree Variable";

export const TEXT_FONT = `"${MAP_FONT}", system-ui, sans-serif`;
export const DISPLAY_FONT = `"Bricolage Grotesque Variable", "${MAP_FONT}", sans-serif`;
