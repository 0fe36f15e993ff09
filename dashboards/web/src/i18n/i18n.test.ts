import { describe, expect, it } from "vitest";
import en from "./en.json";
import id from "./id.json";
import { pickLanguage } from "./language";

function flatten(node: object, prefix = ""): Record<string, string> {
  return Object.fromEntries(
    Object.entries(node).flatMap(([key, value]) =>
      typeof value === "string"
        ? [[prefix + key, value]]
        : Object.entries(flatten(value, `${prefix}${key}.`)),
    ),
  );
}

const placeholders = (text: string) => (text.match(/\{\{\w+\}\}/g) ?? []).sort();

describe("both languages", () => {
  const indonesian = flatten(id);
  const english = flatten(en);

  it("have the same keys", () => {
    expect(Object.keys(english).sort()).toEqual(Object.keys(indonesian).sort());
  });

  it("fill in the same values", () => {
    for (const [key, text] of Object.entries(indonesian)) {
      expect(placeholders(english[key] ?? ""), key).toEqual(placeholders(text));
    }
  });

  it("leave nothing empty", () => {
    for (const text of [...Object.values(indonesian), ...Object.values(english)])
      expect(text.trim()).not.toBe("");
  });
});

describe("pickLanguage", () => {
  it.each([
    ["en", ["id-ID"], "en"],
    [null, ["en-GB", "id"], "en"],
    [null, ["in-ID"], "id"],
    [null, ["nl", "en"], "en"],
    [null, ["nl", "de"], "id"],
    ["xx", [], "id"],
  ])("stored %s, browser %j", (stored, preferred, expected) => {
    expect(pickLanguage(stored, preferred)).toBe(expected);
  });
});
