export type Point = readonly [longitude: number, latitude: number];

const cross = (o: Point, a: Point, b: Point) => (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);

function halfHull(points: readonly Point[]): Point[] {
  const hull: Point[] = [];
  for (const point of points) {
    while (
      hull.length >= 2 &&
      cross(hull[hull.length - 2] as Point, hull[hull.length - 1] as Point, point) <= 0
    ) {
      hull.pop();
    }
    hull.push(point);
  }
  hull.pop();
  return hull;
}

/** The convex hull, counter-clockwise, not closed (Andrew's monotone chain). */
export function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (sorted.length < 3) return sorted;
  return [...halfHull(sorted), ...halfHull(sorted.reverse())];
}

/** The northern edge of a closed ring at half its width: where its name sits well. */
export function topMiddle(ring: readonly Point[]): Point {
  const longitudes = ring.map(([longitude]) => longitude);
  const middle = (Math.min(...longitudes) + Math.max(...longitudes)) / 2;
  let top = Number.NEGATIVE_INFINITY;
  for (let at = 1; at < ring.length; at++) {
    const [x1, y1] = ring[at - 1] as Point;
    const [x2, y2] = ring[at] as Point;
    if (Math.min(x1, x2) > middle || Math.max(x1, x2) < middle) continue;
    const share = x1 === x2 ? 0 : (middle - x1) / (x2 - x1);
    top = Math.max(top, y1 + share * (y2 - y1));
  }
  return [middle, top];
}

const METRES_PER_DEGREE = 111_320;
const CORNER_STEPS = 12;

/** A closed ring around the points at `metres` distance, with round corners. */
export function paddedHull(points: readonly Point[], metres: number): Point[] {
  const around = convexHull(points).flatMap(([longitude, latitude]) =>
    Array.from({ length: CORNER_STEPS }, (_, step): Point => {
      const angle = (2 * Math.PI * step) / CORNER_STEPS;
      const north = metres / METRES_PER_DEGREE;
      const east = north / Math.cos((latitude * Math.PI) / 180);
      return [longitude + east * Math.cos(angle), latitude + north * Math.sin(angle)];
    }),
  );
  const ring = convexHull(around);
  return ring.length > 0 ? [...ring, ring[0] as Point] : [];
}
