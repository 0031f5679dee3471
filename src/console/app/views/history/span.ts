import { effectiveEnd, effectiveStart } from '../../../../internal/page.js';
import type { Grant } from '../../../../index.js';

/** A half-open span `[from, to)` of time that a picture covers. Epoch milliseconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The lengths that a viewer chooses from. Milliseconds. An access report covers at most 31 days a call. */
export const LENGTHS = { day: DAY, week: 7 * DAY, month: 31 * DAY } as const;
export type Length = keyof typeof LENGTHS;

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/;

/** An instant of an address: ISO 8601 in UTC. `undefined`: the text is not an instant. */
export function instantIn(text: string | null): number | undefined {
  const at = text !== null && INSTANT.test(text) ? Date.parse(text) : NaN;
  return at >= 0 ? at : undefined;
}

/** An instant for an address. {@link instantIn} reads it. */
export const toAddress = (at: number): string => new Date(at).toISOString();

/** The span of an address; without one, the month up to now. A span of the future begins now: the API has no answer about it. */
export function spanIn(query: URLSearchParams, now: number): Span {
  const [from, to] = [instantIn(query.get('from')), instantIn(query.get('to'))];
  if (from === undefined || to === undefined || from >= to || from >= now) return { from: now - LENGTHS.month, to: now };
  return { from, to: Math.min(to, from + LENGTHS.month) };
}

/** The span of this length, whose end is that of another. */
export const resized = ({ to }: Span, length: Length): Span => ({ from: Math.max(0, to - LENGTHS[length]), to });

/** The span before (-1) or after (1), of equal length. The last one ends now. */
export function moved({ from, to }: Span, by: -1 | 1, now: number): Span {
  const length = to - from;
  const end = Math.min(to + by * length, now);
  return { from: Math.max(0, end - length), to: end };
}

/** The span of equal length that contains an instant: the same one, if it does. */
export function containing(span: Span, at: number, now: number): Span {
  if (span.from <= at && at < span.to) return span;
  const length = span.to - span.from;
  const to = Math.max(1, Math.min(Math.floor(at + length / 2), Math.floor(now)));
  return { from: Math.max(0, to - length), to };
}

/** The choice that a span has exactly. `undefined`: none. */
export const lengthOf = ({ from, to }: Span): Length | undefined =>
  (Object.keys(LENGTHS) as Length[]).find((length) => LENGTHS[length] === to - from);

/** Where an instant lies in a span: 0 at its start, 100 at its end. */
export const shareOf = ({ from, to }: Span, at: number): number => (100 * (at - from)) / (to - from);

/** A bar in a picture, in hundredths of its width. `isCutAtStart`, `isCutAtEnd`: the window continues outside. */
export interface Bar {
  readonly x: number;
  readonly width: number;
  readonly isCutAtStart: boolean;
  readonly isCutAtEnd: boolean;
}

/** The part of a window that lies in a span. `undefined`: none does. */
export function barOf(span: Span, { from, to }: Span): Bar | undefined {
  const [begin, end] = [Math.max(from, span.from), Math.min(to, span.to)];
  if (!(begin < end)) return undefined;
  const x = shareOf(span, begin);
  return { x, width: shareOf(span, end) - x, isCutAtStart: from < span.from, isCutAtEnd: to > span.to };
}

/** When a grant was held, as far as its record says. `undefined`: never, so far. */
export function heldWindow(grant: Grant): Span | undefined {
  const window = { from: effectiveStart(grant), to: effectiveEnd(grant) };
  return window.from < window.to ? window : undefined;
}

/** The grants of one person or one scope: a line of the picture. */
export interface Lane<G> {
  readonly key: string;
  readonly grants: readonly G[];
}

/** One lane for each value of a field, in the order in which the values appear. */
export function lanesOf<G extends Grant>(grants: readonly G[], by: 'subject' | 'scope'): readonly Lane<G>[] {
  const lanes = new Map<string, G[]>();
  for (const grant of grants) {
    const lane = lanes.get(grant[by]);
    if (lane === undefined) lanes.set(grant[by], [grant]);
    else lane.push(grant);
  }
  return [...lanes].map(([key, own]) => ({ key, grants: own }));
}

const STEPS = [15 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY];

export interface Ticks {
  readonly at: readonly number[];
  /** Whether they name days, not hours. */
  readonly areDays: boolean;
}

/**
 * Round times of the viewer's zone in a span.
 *
 * @param most the greatest number of them
 */
export function ticksOf({ from, to }: Span, most: number): Ticks {
  const step = STEPS.find((ms) => (to - from) / ms <= most) ?? (to - from) / most;
  const areDays = step >= DAY;
  // Steps by the fields of a local date: the days of a change to summer time are an hour shorter.
  const next = new Date(from);
  next.setHours(0, 0, 0, 0);
  const at: number[] = [];
  while (next.getTime() < to) {
    if (next.getTime() > from) at.push(next.getTime());
    if (areDays) next.setDate(next.getDate() + Math.round(step / DAY));
    else next.setTime(next.getTime() + step);
  }
  return { at, areDays };
}

/** The step of a slider over a span: about a thousand positions, a whole number of minutes. */
export const sliderStep = ({ from, to }: Span): number => Math.max(1, Math.round((to - from) / 1_000 / MINUTE)) * MINUTE;
