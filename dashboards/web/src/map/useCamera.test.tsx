import { act, renderHook } from "@testing-library/react";
import type { Map as MapLibreMap } from "maplibre-gl";
import type { ReactNode } from "react";
import { describe, expect, it, vi } from "vitest";
import { DeskProvider } from "../state/desk";
import { setView } from "../state/view";
import { lampState } from "../testing/lamps";
import { testDesk } from "../testing/render";
import type { LampMap } from "./lampMap";
import { useCamera } from "./useCamera";

const LAMPS = [
  lampState({ id: "A", areaId: "1", longitude: 107.5, latitude: -7.0 }),
  lampState({ id: "B", areaId: "2", longitude: 107.6, latitude: -7.1 }),
];

function camera({ width = 1440, lamps = LAMPS, at = { x: 700, y: 400 }, zoom = 15 } = {}) {
  const handlers = new Map<string, (event: object) => void>();
  const map = {
    fitBounds: vi.fn(),
    easeTo: vi.fn(),
    on: (name: string, handler: (event: object) => void) => handlers.set(name, handler),
    off: () => {},
    project: () => at,
    getZoom: () => zoom,
    getContainer: () => ({ clientWidth: width, clientHeight: 800 }),
  };
  const lampMap = { map: map as unknown as MapLibreMap } as LampMap;
  const desk = testDesk(lamps);
  const wrapper = ({ children }: { children: ReactNode }) => (
    <DeskProvider desk={desk}>{children}</DeskProvider>
  );
  const { result } = renderHook(() => useCamera(lampMap), { wrapper });
  return { map, desk, showAll: result.current, move: (event: object) => handlers.get("movestart")?.(event) };
}

const ALL = [107.5, -7.1, 107.6, -7.0];

describe("at first", () => {
  it("holds all lamps, and again with every page that arrives", () => {
    const { map, desk } = camera();
    expect(map.fitBounds).toHaveBeenLastCalledWith(ALL, expect.objectContaining({ duration: 0 }));
    act(() => desk.store.upsert([lampState({ id: "C", longitude: 107.7, latitude: -7.0 })]));
    expect(map.fitBounds.mock.lastCall?.[0]).toEqual([107.5, -7.1, 107.7, -7.0]);
  });

  it("stays where the person has moved it", () => {
    const { map, desk, move } = camera();
    move({ originalEvent: {} });
    map.fitBounds.mockClear();
    act(() => desk.store.upsert([lampState({ id: "C" })]));
    expect(map.fitBounds).not.toHaveBeenCalled();
  });

  it("stays where the address puts it", () => {
    setView({ camera: { zoom: 12, latitude: -7, longitude: 107 } });
    expect(camera().map.fitBounds).not.toHaveBeenCalled();
  });

  it("leaves room for the lists beside the map, and for the buttons of a phone", () => {
    const padding = (width: number) => camera({ width }).map.fitBounds.mock.lastCall?.[1].padding;
    expect(padding(1440)).toMatchObject({ left: 368, right: 64 });
    expect(padding(390)).toMatchObject({ left: 32, bottom: 120 });
  });
});

describe("later", () => {
  it("goes to the area that is picked, and back to all", () => {
    const { map, showAll } = camera();
    act(() => setView({ areaId: "2" }));
    expect(map.fitBounds).toHaveBeenLastCalledWith(
      [107.6, -7.1, 107.6, -7.1],
      expect.objectContaining({ duration: 700 }),
    );
    showAll();
    expect(map.fitBounds.mock.lastCall?.[0]).toEqual(ALL);
  });

  it("goes to a lamp that is out of sight, beside its panel", () => {
    const { map } = camera({ at: { x: 1400, y: 400 } });
    act(() => setView({ lampId: "B" }));
    expect(map.easeTo).toHaveBeenCalledWith(
      expect.objectContaining({ center: [107.6, -7.1], zoom: 16, offset: [(368 - 424) / 2, (88 - 72) / 2] }),
    );
  });

  it("does not move for a lamp that is in sight", () => {
    const { map } = camera();
    act(() => setView({ lampId: "B" }));
    expect(map.easeTo).not.toHaveBeenCalled();
  });

  it("comes closer where the lamp is in sight from too far", () => {
    const { map } = camera({ zoom: 11 });
    act(() => setView({ lampId: "B" }));
    expect(map.easeTo).toHaveBeenCalledOnce();
  });

  it("waits for a lamp that is not loaded yet", () => {
    const { map, desk } = camera({ lamps: [], at: { x: 0, y: 0 } });
    act(() => setView({ lampId: "B" }));
    expect(map.easeTo).not.toHaveBeenCalled();
    act(() => desk.store.upsert(LAMPS));
    expect(map.easeTo).toHaveBeenCalledOnce();
  });
});
