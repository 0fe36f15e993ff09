import { svgNamespace } from "./dom";

const CASE = "M7 9h14l2 5v12l-2 5H7l-2-5V14z";

/** The page's icon as a data URL, for there is no second file to fetch it from. */
export function lantern(body: string, flame: string): string {
  const svg =
    `<svg xmlns="${svgNamespace()}" viewBox="0 0 28 36">` +
    `<path d="${CASE}" fill="${body}"/><circle cx="14" cy="20" r="5" fill="${flame}"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
