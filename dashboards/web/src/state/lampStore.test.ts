import { describe, expect, it } from "vitest";
import { lampState } from "../testing/lamps";
import { LampStore } from "./lampStore";

function manual() {
  let pending: (() => void) | null = null;
  const store = new LampStore((flush) => {
    pending = flush;
  });
  const frame = () => {
    pending?.();
    pending = null;
  };
  return { store, frame };
}

describe("LampStore", () => {
  it("reports many changes of one frame once", () => {
    const { store, frame } = manual();
    const reported: string[][] = [];
    store.subscribe((changed) => reported.push([...changed]));
    store.upsert([lampState({ id: "A" })]);
    store.upsert([lampState({ id: "B" }), lampState({ id: "A", actualLightState: 50 })]);
    frame();
    expect(reported).toEqual([["A", "B"]]);
    expect(store.get("A")?.actualLightState).toBe(50);
  });

  it("counts per area and over all", () => {
    const { store, frame } = manual();
    store.upsert([
      lampState({ id: "A", areaId: "1", state: "lit" }),
      lampState({ id: "B", areaId: "1", state: "fault" }),
      lampState({ id: "C", areaId: "2", state: "unknown" }),
    ]);
    frame();
    expect(store.countsOf("1")).toEqual({ total: 2, lit: 1, off: 0, fault: 1, unknown: 0 });
    expect(store.total()).toEqual({ total: 3, lit: 1, off: 0, fault: 1, unknown: 1 });
    expect(store.countsOf("3").total).toBe(0);
  });

  it("changes membership only when lamps come or go", () => {
    const { store, frame } = manual();
    store.upsert([lampState({ id: "A" }), lampState({ id: "B" })]);
    const before = store.membership;
    store.upsert([lampState({ id: "A", actualLightState: 1 })]);
    expect(store.membership).toBe(before);
    store.retain(new Set(["A"]));
    frame();
    expect(store.membership).toBe(before + 1);
    expect(store.get("B")).toBeUndefined();
  });

  it("keeps what came live when an older page arrives late", () => {
    const { store } = manual();
    const page = lampState({ id: "A", state: "lit", observedAt: "2025-11-24T12:00:00Z" });
    store.beginLoad();
    store.upsert([lampState({ id: "A", state: "off", observedAt: "2025-11-24T12:00:30Z" })]);
    store.fill([page, lampState({ id: "B" })]);
    expect(store.get("A")?.state).toBe("off");
    expect(store.get("B")).toBeDefined();
    store.upsert([{ ...page, state: "unknown" }]);
    store.fill([page]);
    expect(store.get("A")?.state).toBe("unknown");
    store.fill([{ ...page, observedAt: "2025-11-24T12:01:00Z" }]);
    expect(store.get("A")?.state).toBe("lit");
  });

  it("takes a new load whole", () => {
    const { store } = manual();
    store.upsert([lampState({ id: "A", state: "off" })]);
    store.beginLoad();
    store.fill([lampState({ id: "A", state: "lit" })]);
    expect(store.get("A")?.state).toBe("lit");
  });
});
