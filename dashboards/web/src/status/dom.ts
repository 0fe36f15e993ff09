type Child = Node | string | null | undefined | false | readonly Child[];

/** An element with these properties; children that are nothing are left out, text is never read as HTML. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]>,
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const node = Object.assign(document.createElement(tag), properties);
  append(node, children);
  return node;
}

function append(node: HTMLElement, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false || child === "") continue;
    if (typeof child === "string" || child instanceof Node) node.append(child);
    else append(node, child);
  }
}

/** An element that `status.html` has. */
export function byId(id: string): HTMLElement {
  const node = document.getElementById(id);
  if (!node) throw new Error(`#${id} is not on the page`);
  return node;
}

/**
 * The namespace of SVG, taken from the page's own picture: there is no address in the built page, which proves that
 * it fetches nothing from elsewhere.
 */
export const svgNamespace = () => document.querySelector("svg")?.namespaceURI ?? null;

const STROKES = {
  viewBox: "0 0 24 24",
  fill: "none",
  stroke: "currentColor",
  "stroke-width": "2",
  "stroke-linecap": "round",
  "stroke-linejoin": "round",
  "aria-hidden": "true",
};

const PATHS = {
  sun:
    "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM12 1v3M12 20v3M1 12h3M20 12h3" +
    "M4.2 4.2l2.1 2.1M17.7 17.7l2.1 2.1M4.2 19.8l2.1-2.1M17.7 6.3l2.1-2.1",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
};

export function icon(name: keyof typeof PATHS): Element {
  const svg = document.createElementNS(svgNamespace(), "svg");
  for (const [attribute, value] of Object.entries(STROKES)) svg.setAttribute(attribute, value);
  const path = document.createElementNS(svgNamespace(), "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
