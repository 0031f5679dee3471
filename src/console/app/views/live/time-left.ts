const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The marks of an axis "time until the end", at equal distances, from 0 on. Milliseconds. */
export type Axis = readonly number[];

/** The last hour: a bar shrinks by a hundredth in 36 seconds. */
export const SOON: Axis = [0, 15, 30, 45, 60].map((minutes) => minutes * MINUTE);

/** All other ends. The nearer one is, the more room it has, and a month fits. */
export const LATER: Axis = [0, HOUR, 4 * HOUR, DAY, 7 * DAY, 31 * DAY];

/** Where a time that is left lies on an axis: 0 to 100. */
export function placeOf(axis: Axis, leftMs: number): number {
  const step = 100 / (axis.length - 1);
  const next = axis.findIndex((mark) => leftMs < mark);
  if (leftMs <= 0) return 0;
  if (next === -1) return 100;
  const [from, to] = [axis[next - 1] ?? 0, axis[next] ?? 0];
  return (next - 1 + (leftMs - from) / (to - from)) * step;
}

/** Whether an axis ends before this time does. */
export const isBeyond = (axis: Axis, leftMs: number): boolean => leftMs > (axis.at(-1) ?? 0);
