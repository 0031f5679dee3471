const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The marks of a time axis, at equal distances: milliseconds from now. The first one lies in the past, and the second one is now. */
export type Axis = readonly number[];

/** The nearer an end is, the more room it has. */
const AXES: readonly Axis[] = [
  [-15, 0, 15, 30, 45, 60].map((minutes) => minutes * MINUTE),
  [-1, 0, 1, 2, 3, 4].map((hours) => hours * HOUR),
  [-1, 0, 1, 4, 8, 12].map((hours) => hours * HOUR),
  [-HOUR, 0, HOUR, 4 * HOUR, DAY, 7 * DAY],
  [-HOUR, 0, HOUR, 4 * HOUR, DAY, 7 * DAY, 31 * DAY],
];

const lengthOf = (axis: Axis): number => axis.at(-1) ?? 0;

/** The shortest axis on which all these ends lie, or the longest one. */
export function axisFor(ends: readonly number[], now: number): Axis {
  const last = ends.reduce((latest, end) => Math.max(latest, end - now), 0);
  return AXES.find((axis) => last <= lengthOf(axis)) ?? (AXES.at(-1) as Axis);
}

/** Where a distance from now lies on an axis: 0 to 1. Before the axis: -1. Behind it: 2. */
export function placeOf(axis: Axis, ms: number): number {
  if (ms === lengthOf(axis)) return 1;
  const next = axis.findIndex((mark) => ms < mark);
  if (next <= 0) return next === 0 ? -1 : 2;
  const [from, to] = [axis[next - 1] ?? 0, axis[next] ?? 0];
  return (next - 1 + (ms - from) / (to - from)) / (axis.length - 1);
}
