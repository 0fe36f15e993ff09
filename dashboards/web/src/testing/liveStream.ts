import { vi } from "vitest";

/** A server-sent event stream that the test drives; `streams` are those that the page opened, oldest first. */
export class FakeStream {
  static streams: FakeStream[] = [];

  readonly address: string;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  private readonly listeners = new Map<string, (event: { data: string }) => void>();

  constructor(address: string) {
    this.address = address;
    FakeStream.streams.push(this);
  }

  addEventListener(name: string, listener: (event: { data: string }) => void): void {
    this.listeners.set(name, listener);
  }

  close(): void {
    this.closed = true;
  }

  send(name: string, data: unknown): void {
    this.listeners.get(name)?.({ data: JSON.stringify(data) });
  }
}

/** Put it in the place of the browser's `EventSource`. */
export function fakeStreams(): FakeStream[] {
  FakeStream.streams = [];
  vi.stubGlobal("EventSource", FakeStream);
  return FakeStream.streams;
}
