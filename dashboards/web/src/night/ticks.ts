const HOUR_MS = 3_600_000;

/** Instants gathered into `buckets` equal parts of the strip; empty parts are left out. */
export function bucketTicks(instants: readonly number[], start: number, end: number, buckets = 144) {
  const counts = new Map<number, number>();
  for (const instant of instants) {
    if (instant < start || instant >= end) continue;
    const bucket = Math.floor(((instant - start) / (end - start)) * buckets);
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([bucket, count]) => ({ share: (bucket + 0.5) / buckets, count }));
}

/** Every third hour strictly inside the strip. */
export function hourMarks(start: number, end: number, everyHours = 3) {
  const marks: { ms: number; share: number }[] = [];
  for (let ms = start + everyHours * HOUR_MS; ms < end; ms += everyHours * HOUR_MS) {
    marks.push({ ms, share: (ms - start) / (end - start) });
  }
  return marks;
}
