import { describe, expect, it } from "vitest";
import { lampStatus } from "../testing/status";
import { StatusText, WORDS } from "./text";

const english = new StatusText("en");
const indonesian = new StatusText("id");

/** Every entry as its path, with what it makes of three placeholders. */
function sentences(node: object, prefix = ""): [path: string, sentence: string][] {
  return Object.entries(node).flatMap(([key, value]): [string, string][] => {
    const path = `${prefix}${key}`;
    if (typeof value === "string") return [[path, value]];
    if (typeof value === "function") return [[path, value("‹1›", "‹2›")]];
    return sentences(value, `${path}.`);
  });
}

describe("both languages", () => {
  const id = sentences(WORDS.id);
  const en = sentences(WORDS.en);

  it("have the same entries", () => {
    expect(en.map(([path]) => path)).toEqual(id.map(([path]) => path));
  });

  it("fill in the same values and leave nothing empty", () => {
    const values = (text: string) => (text.match(/‹\d›/g) ?? []).sort();
    for (const [index, [path, sentence]] of id.entries()) {
      expect(values(en[index]?.[1] ?? ""), path).toEqual(values(sentence));
      expect(sentence.trim(), path).not.toBe("");
      expect(en[index]?.[1].trim(), path).not.toBe("");
    }
  });
});

describe("numbers", () => {
  it.each([
    [1.2345, "1,23"],
    [42.42, "42,4"],
    [229.6, "230"],
    [12_345, "12.345"],
    [-1.2345, "-1,23"],
  ])("%d has as many digits as it is worth", (value, expected) => {
    expect(indonesian.number(value)).toBe(expected);
  });

  it("follow the language's marks", () => {
    expect(english.number(1_234.5, 1)).toBe("1,234.5");
    expect(english.bytes(40_960)).toBe("41 kB");
    expect(indonesian.bytes(2_345_678)).toBe("2,3 MB");
  });
});

describe("ages and times", () => {
  it.each([
    [-1, "0 s ago"],
    [4.2, "4 s ago"],
    [99.4, "99 s ago"],
    [100, "2 min ago"],
    [5_999, "100 min ago"],
    [6_000, "2 h ago"],
    [172_799, "48 h ago"],
    [172_800, "2 d ago"],
  ])("%d s", (seconds, expected) => {
    expect(english.age(seconds)).toBe(expected);
  });

  it("are those of the gateway's time zone", () => {
    expect(english.clockTime("2025-11-24T12:00:05Z", "Asia/Jakarta")).toBe("19:00");
    expect(english.clockTime("2025-11-24T12:00:05Z", "Asia/Jayapura", true)).toBe("21:00:05");
  });

  it("say when a device last answered", () => {
    expect(english.lastAnswer(lampStatus("A"))).toBe("4 s ago");
    expect(english.lastAnswer(lampStatus("A", { state: "unresponsive" }))).toBe("last 4 s ago");
    expect(english.lastAnswer(lampStatus("A", { lastAnswer: null }))).toBe("has never answered");
  });
});

describe("values", () => {
  it("carry their unit, and words for yes and no", () => {
    expect(english.value({ value: 88.24, unit: "W" })).toBe("88.2 W");
    expect(english.value({ value: 3, unit: "" })).toBe("3");
    expect(indonesian.value({ value: true, unit: "" })).toBe("ya");
    expect(english.value({ value: false, unit: "" })).toBe("no");
    expect(english.value({ value: "on", unit: "" })).toBe("on");
  });

  it("keep their TALQ name where there is no word", () => {
    expect(english.nameOf("supplyVoltage")).toBe("Voltage");
    expect(english.nameOf("somethingNew")).toBe("somethingNew");
    expect(english.reason("program")).toBe("plan");
    expect(english.reason("other")).toBe("other");
  });
});

describe("overrides", () => {
  const override = { level: 30, start: "2025-11-24T12:00:00Z", expiration: null, active: true };

  it("last until they are ended, or until a time", () => {
    expect(english.override(override, "Asia/Jakarta")).toBe("Forced to 30 % until ended");
    const ends = { ...override, expiration: "2025-11-24T14:00:00Z" };
    expect(indonesian.override(ends, "Asia/Jakarta")).toBe("Dipaksa 30 % sampai 21:00");
  });

  it("say when they begin where they have not yet", () => {
    const later = { ...override, active: false };
    expect(english.override(later, "Asia/Jakarta")).toBe("Forced to 30 % from 19:00 until ended");
  });
});
