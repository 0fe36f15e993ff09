import { seeded } from "./random.mjs";

/** @typedef {{ id: string, name: string, code: string, latitude: number, longitude: number }} MockArea */
/** @typedef {{ name: string, areaId: string, points: [number, number][] }} MockRoad */
/** @typedef {{ id: string, areaId: string, gatewayId: string, road: string, latitude: number, longitude: number, ratedPower: number }} MockLamp */

/** @type {MockArea[]} */
const AREAS = [
  { id: "32.04.37", name: "Soreang", code: "SOR", latitude: -7.03, longitude: 107.52 },
  { id: "32.04.46", name: "Kutawaringin", code: "KUT", latitude: -6.995, longitude: 107.51 },
  { id: "32.04.11", name: "Katapang", code: "KAT", latitude: -7.008, longitude: 107.555 },
  { id: "32.04.39", name: "Ciwidey", code: "CIW", latitude: -7.09, longitude: 107.46 },
  { id: "32.04.44", name: "Cangkuang", code: "CAN", latitude: -7.045, longitude: 107.56 },
  { id: "32.04.13", name: "Banjaran", code: "BAN", latitude: -7.055, longitude: 107.59 },
];

const ROADS = [
  "Raya Soreang",
  "Al-Fathu",
  "Gading Tutuka",
  "Cipatik",
  "Terusan Kopo",
  "Sadu",
  "Citaliktik",
  "Warung Lobak",
  "Ciloa",
  "Bojong Buah",
  "Pamekaran",
  "Cingcin",
  "Sekarwangi",
  "Parungserab",
  "Karamatmulya",
  "Panyirapan",
];

const METRE = 1 / 111_320;
const SPACING_M = 34;

/** @param {number} wanted @param {number} seed */
export function buildCity(wanted, seed) {
  const random = seeded(seed);
  /** @type {MockLamp[]} */
  const lamps = [];
  /** @type {MockRoad[]} */
  const roads = [];
  const share = [0.4, 0.14, 0.16, 0.08, 0.1, 0.12];
  AREAS.forEach((area, index) => {
    const quota = Math.round(wanted * (share[index] ?? 0));
    fillArea(area, quota, random, lamps, roads);
  });
  return { areas: AREAS, lamps, roads };
}

/** @param {MockArea} area @param {number} quota @param {() => number} random @param {MockLamp[]} lamps @param {MockRoad[]} roads */
function fillArea(area, quota, random, lamps, roads) {
  /** @type {{ at: [number, number], angle: number, depth: number }[]} */
  const seeds = [0, 1, 2, 3].map((arm) => ({
    at: [area.longitude, area.latitude],
    angle: 0.4 + (arm * Math.PI) / 2,
    depth: 0,
  }));
  let made = 0;
  while (made < quota) {
    const start = seeds.shift() ?? {
      at: /** @type {[number, number]} */ ([area.longitude, area.latitude]),
      angle: random() * 7,
      depth: 2,
    };
    const length = Math.round((start.depth === 0 ? 46 : 22) * (0.6 + random() * 0.8));
    let [x, y] = start.at;
    let angle = start.angle;
    const name = `Jl. ${ROADS[roads.length % ROADS.length]}${roads.length >= ROADS.length ? ` ${1 + Math.floor(roads.length / ROADS.length)}` : ""}`;
    /** @type {[number, number][]} */
    const points = [[x, y]];
    for (let step = 0; step < length && made < quota; step++) {
      angle += (random() - 0.5) * 0.16;
      x += Math.cos(angle) * SPACING_M * METRE;
      y += Math.sin(angle) * SPACING_M * METRE;
      points.push([x, y]);
      made++;
      const number = String(made).padStart(5, "0");
      const side = made % 2 === 0 ? 5 : -5;
      lamps.push({
        id: `${area.code}-${number}`,
        areaId: area.id,
        gatewayId: `${area.name.toLowerCase()}-${String(1 + Math.floor((made - 1) / 100)).padStart(2, "0")}`,
        road: name,
        longitude: x - Math.sin(angle) * side * METRE,
        latitude: y + Math.cos(angle) * side * METRE,
        ratedPower: start.depth === 0 ? 120 : 60,
      });
      if (step % 9 === 8 && start.depth < 3) {
        const turn = random() < 0.5 ? 1 : -1;
        seeds.push({ at: [x, y], angle: angle + turn * (1.35 + random() * 0.4), depth: start.depth + 1 });
      }
    }
    roads.push({ name, areaId: area.id, points });
  }
}
