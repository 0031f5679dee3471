import { DAY_MS, type Zone } from './zone.js';

/**
 * Times at which a rule holds: spans of the days that match, by what the clock in a time zone shows. A span whose end is not after its
 * begin ends on the next day, and belongs to the day on which it begins. If a clock is set back, a time that it shows twice
 * holds twice. If it is set forward, a skipped time does not occur.
 */
export interface Hours {
  /** Weekdays, Sunday is 0. `undefined`: every day. */
  readonly days: ReadonlySet<number> | undefined;
  /** Milliseconds since midnight, as the clock shows them: the span is `[from, to)`. */
  readonly from: number;
  readonly to: number;
  /** The first and the last matching date, as {@link Reading.day}; infinite: there is none. */
  readonly firstDay: number;
  readonly lastDay: number;
  readonly zone: Zone;
}

/** Holds if any of its items holds. */
export type When = readonly Hours[];

const weekdayOf = (day: number): number => (((day + 4) % 7) + 7) % 7;

const isMatchingDay = ({ days, firstDay, lastDay }: Hours, day: number): boolean =>
  firstDay <= day && day <= lastDay && (days === undefined || days.has(weekdayOf(day)));

function isWithin(hours: Hours, instant: number): boolean {
  const { from, to, zone } = hours;
  const { day, time } = zone.readingAt(instant);
  if (from < to) return from <= time && time < to && isMatchingDay(hours, day);
  return (from <= time && isMatchingDay(hours, day)) || (time < to && isMatchingDay(hours, day - 1));
}

export const holdsAt = (when: When, instant: number): boolean => when.some((hours) => isWithin(hours, instant));

/** After this many steps without a change, the calendar is cut there: a search has an end (L42), and access never lasts too long. */
const MAX_STEPS = 400;

/**
 * The first instant after `instant` at which the calendar no longer holds, if it holds at `instant`, or holds, if it does not. `Infinity`: it
 * never changes. A calendar of many items that never pauses counts as changing after some months.
 */
export function changeAfter(when: When, instant: number): number {
  const holds = holdsAt(when, instant);
  let at = instant;
  for (let step = 0; step < MAX_STEPS; step++) {
    at = Math.min(...when.map((hours) => nextBoundary(hours, at)));
    if (at === Infinity || holdsAt(when, at) !== holds) return at;
  }
  return at;
}

/** An instant after `instant` until which the item does not change: its next begin, end, midnight or change of the clock. */
function nextBoundary({ days, from, to, firstDay, lastDay, zone }: Hours, instant: number): number {
  const { day, time } = zone.readingAt(instant);
  const isWholeDay = from === 0 && to === DAY_MS;
  if (day > lastDay + 1 || (isWholeDay && days === undefined && firstDay <= day && lastDay === Infinity)) return Infinity;
  // Skips whole days, but for one at each side: a day of a zone may have 23 or 25 hours, or begin later than at midnight.
  if (firstDay - day > 2) return instant + (firstDay - day - 2) * DAY_MS;
  if (isWholeDay && days === undefined && firstDay <= day && lastDay - day > 2) return instant + (lastDay - day - 2) * DAY_MS;
  const left = [from, to, DAY_MS].map((boundary) => boundary - time).filter((ms) => ms > 0);
  const next = instant + Math.min(...left);
  return zone.changeWithin(instant, next) ?? next;
}

/** Whether the calendar matches no time. */
export const neverHolds = (when: When): boolean =>
  when.every((hours) => {
    const { firstDay, lastDay } = hours;
    if (firstDay > lastDay) return true;
    if (hours.days === undefined || lastDay - firstDay >= 6) return false;
    return !Array.from({ length: lastDay - firstDay + 1 }, (_, i) => firstDay + i).some((day) => isMatchingDay(hours, day));
  });

const WEEK_MS = 7 * DAY_MS;

/** Whether the items without dates together fill each week. It compares only items of one zone: other zones change their clocks on other days. */
export function alwaysHolds(when: When): boolean {
  const zones = new Set(when.map(({ zone }) => zone.name));
  return [...zones].some((name) => {
    const spans = when
      .filter(({ zone, firstDay, lastDay }) => zone.name === name && firstDay === -Infinity && lastDay === Infinity)
      .flatMap(spansOfWeek)
      .sort(([a], [b]) => a - b);
    let filled = 0;
    for (const [begin, end] of spans) if (begin <= filled) filled = Math.max(filled, end);
    return filled >= WEEK_MS;
  });
}

/** The spans of a week, in milliseconds since its first midnight. A span over the end of the week is two. */
function spansOfWeek({ days, from, to }: Hours): readonly (readonly [number, number])[] {
  return Array.from({ length: 7 }, (_, i) => i)
    .filter((day) => days === undefined || days.has(day))
    .flatMap((day): (readonly [number, number])[] => {
      const [begin, end] = [day * DAY_MS + from, day * DAY_MS + (from < to ? to : to + DAY_MS)];
      return end <= WEEK_MS
        ? [[begin, end]]
        : [
            [begin, WEEK_MS],
            [0, end - WEEK_MS],
          ];
    });
}
