import { expect, it } from "vitest";
import { lampState } from "../testing/lamps";
import { findLamps } from "./findLamps";

const lamps = [
  lampState({ id: "KAT-00012", road: "Jl. Soreang" }),
  lampState({ id: "SOR-00012", road: "Jl. Sadu" }),
  lampState({ id: "SOR-00002", road: "Jl. Al-Fathu" }),
];

it("finds by id and by road, ids that begin with the query first", () => {
  expect(findLamps(lamps, "sor").map((lamp) => lamp.id)).toEqual(["SOR-00002", "SOR-00012", "KAT-00012"]);
  expect(findLamps(lamps, "sor sadu").map((lamp) => lamp.id)).toEqual(["SOR-00012"]);
});

it("finds nothing for nothing", () => {
  expect(findLamps(lamps, "  ")).toEqual([]);
  expect(findLamps(lamps, "x9")).toEqual([]);
});
