import { expect, it } from "vitest";
import { markup } from "../testing/markup";
import { AcknowledgeButton } from "./FaultRow";

const button = (language: "id" | "en", by: string | null, failed: boolean) =>
  markup(
    <AcknowledgeButton deviceId="SOR-1" by={by} failed={failed} pending={false} onSend={() => {}} />,
    language,
  );

it("says so when acknowledging failed, in both languages", () => {
  expect(button("en", null, true)).toContain('aria-label="Not acknowledged. Press to try again."');
  expect(button("id", null, true)).toContain('aria-label="Belum ditandai. Tekan untuk mencoba lagi."');
  expect(button("en", null, false)).toContain('aria-label="Acknowledge"');
});

it("forgets the failure once someone has acknowledged it", () => {
  expect(button("en", "ani", true)).toContain('data-failed="false"');
});
