import type { Language } from "../i18n/language";
import type { DeviceStatus, OverrideStatus, ValueStatus } from "./model";
import { en } from "./words/en";
import { id, type Words } from "./words/id";

export const WORDS: Record<Language, Words> = { id, en };

/** Numbers, times and sentences in one language. */
export class StatusText {
  readonly words: Words;
  private readonly language: Language;

  constructor(language: Language) {
    this.language = language;
    this.words = WORDS[language];
  }

  /** Without `digits`, three significant ones at most. */
  number(value: number, digits?: number): string {
    const size = Math.abs(value);
    const few = size < 10 ? 2 : size < 100 ? 1 : 0;
    return value.toLocaleString(this.language, { maximumFractionDigits: digits ?? few });
  }

  bytes(count: number): string {
    return count < 1e6 ? `${this.number(count / 1e3, 0)} kB` : `${this.number(count / 1e6, 1)} MB`;
  }

  clockTime(time: string, timeZone: string, seconds = false): string {
    return new Date(time).toLocaleTimeString("en-GB", {
      timeZone,
      hour: "2-digit",
      minute: "2-digit",
      ...(seconds ? { second: "2-digit" } : {}),
    });
  }

  age(seconds: number): string {
    const { span, ago } = this.words;
    const whole = Math.max(0, Math.round(seconds));
    if (whole < 100) return ago(`${whole} ${span.s}`);
    if (whole < 6_000) return ago(`${Math.round(whole / 60)} ${span.min}`);
    if (whole < 172_800) return ago(`${Math.round(whole / 3_600)} ${span.h}`);
    return ago(`${Math.round(whole / 86_400)} ${span.d}`);
  }

  value({ value, unit }: Pick<ValueStatus, "value" | "unit">): string {
    if (typeof value === "boolean") return value ? this.words.yes : this.words.no;
    if (typeof value !== "number") return value;
    return unit ? `${this.number(value)} ${unit}` : this.number(value);
  }

  /** The name of a value by its TALQ attribute, which is kept where there is no word for it. */
  nameOf(attribute: string): string {
    return this.words.value[attribute as keyof Words["value"]] ?? attribute;
  }

  reason(reason: string): string {
    return this.words.reason[reason as keyof Words["reason"]] ?? reason;
  }

  lastAnswer({ state, lastAnswer, ageSeconds }: DeviceStatus): string {
    if (lastAnswer === null) return this.words.never;
    const age = this.age(ageSeconds ?? 0);
    return state === "unresponsive" ? this.words.last(age) : age;
  }

  override({ level, start, expiration, active }: OverrideStatus, timeZone: string): string {
    const { words } = this;
    const from = active ? "" : words.from(this.clockTime(start, timeZone));
    const until = expiration ? words.until(this.clockTime(expiration, timeZone)) : words.forever;
    return [words.override(level), from, until].filter(Boolean).join(" ");
  }
}
