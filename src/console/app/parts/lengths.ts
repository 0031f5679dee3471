const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Windows that people ask for, the shortest first. Milliseconds. */
const USUAL = [15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 24 * HOUR, 72 * HOUR, 168 * HOUR];

/** The usual lengths of a window between two bounds, with the bounds themselves if no usual one is near. Milliseconds. */
export function lengthsBetween(minMs: number, maxMs: number): readonly number[] {
  const usual = USUAL.filter((ms) => ms >= minMs && ms <= maxMs);
  return [...new Set([...(usual.length > 0 ? usual : [minMs]), ...(Number.isFinite(maxMs) ? [maxMs] : [])])].sort((a, b) => a - b);
}
