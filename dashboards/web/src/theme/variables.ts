const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Colours by name as CSS variables: `faultText` becomes `--fault-text`. */
export function toVariables(colours: object, prefix = ""): Record<string, string> {
  return Object.fromEntries(
    Object.entries(colours).map(([name, value]) => [`--${prefix}${kebab(name)}`, value]),
  );
}
