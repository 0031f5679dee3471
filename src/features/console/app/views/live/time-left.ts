const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * The marks of the axis "time until the end", at equal distances. The nearer an end is, the more room it has: a bar shrinks visibly in
 * its last minutes, and one of a month fits.
 */
export const MARKS = [0, 15 * MINUTE, HOUR, 4 * HOUR, DAY, 7 * DAY, 31 * DAY] as const;

/** Where a time that is left lies on the axis: 0 to 100. */
export function placeOf(leftMs: number): number {
  const step = 100 / (MARKS.length - 1);
  const next = MARKS.findIndex((mark) => leftMs < mark);
  if (leftMs <= 0) return 0;
  if (next === -1) return 100;
  const [from, to] = [MARKS[next - 1] ?? 0, MARKS[next] ?? 0];
  return (next - 1 + (leftMs - from) / (to - from)) * step;
}

/** Whether the axis ends before this time does. */
export const isBeyond = (leftMs: number): boolean => leftMs > (MARKS.at(-1) as number);
