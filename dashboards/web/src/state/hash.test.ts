import { describe, expect, it } from "vitest";
import { emptyView, formatHash, parseHash, type View } from "./hash";

describe("the address", () => {
  it("keeps a whole view", () => {
    const view: View = {
      camera: { zoom: 15.25, latitude: -7.03, longitude: 107.52 },
      lampId: "SOR-00001",
      areaId: "32.04.37",
      panel: "faults",
    };
    expect(formatHash(view)).toBe("#map=15.25/-7.03000/107.52000&lamp=SOR-00001&area=32.04.37&panel=faults");
    expect(parseHash(formatHash(view))).toEqual(view);
  });

  it("says nothing of an empty view", () => {
    expect(formatHash(emptyView)).toBe("");
    expect(parseHash("")).toEqual(emptyView);
  });

  it.each(["#map=x/y/z", "#map=12", "#map=12/95/10", "#map=12/10/181"])("does not go to %s", (hash) => {
    expect(parseHash(hash).camera).toBeNull();
  });
});
