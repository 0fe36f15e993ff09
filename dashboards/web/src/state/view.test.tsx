import { act, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { show } from "../testing/render";
import { currentView, setView, useView } from "./view";

function Shown() {
  const { lampId, areaId, panel } = useView();
  return <output>{[lampId, areaId, panel].join("|")}</output>;
}

const shown = () => screen.getByRole("status").textContent;

describe("the view in the address", () => {
  it("is followed by what is on the screen", () => {
    show(<Shown />);
    act(() => setView({ lampId: "A", panel: "faults" }));
    expect(shown()).toBe("A||faults");
    expect(window.location.hash).toBe("#lamp=A&panel=faults");
  });

  it("can be typed or sent by a colleague", () => {
    show(<Shown />);
    act(() => {
      window.location.hash = "#area=32.04.37";
      window.dispatchEvent(new HashChangeEvent("hashchange"));
    });
    expect(shown()).toBe("|32.04.37|areas");
  });

  it("makes a history entry for a choice and none for a moved camera", () => {
    const before = window.history.length;
    setView({ lampId: "A" });
    expect(window.history.length).toBe(before + 1);
    setView({ camera: { zoom: 12, latitude: -7, longitude: 107 } });
    expect(window.history.length).toBe(before + 1);
    expect(currentView()).toMatchObject({ lampId: "A", camera: { zoom: 12 } });
  });

  it("makes no entry where nothing changes", () => {
    setView({ lampId: "A" });
    const before = window.history.length;
    setView({ lampId: "A" });
    expect(window.history.length).toBe(before);
  });

  it("leaves no hash behind when it is empty again", () => {
    setView({ lampId: "A" });
    setView({ lampId: null });
    expect(window.location.href).not.toContain("#");
  });
});
