import { invalid, readBoundedList, readOptions } from '../../core/parse.js';
import type { Hours, When } from './hours.js';
import { DAY_MS, readZone } from './zone.js';

/** A weekday. */
export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/**
 * Times at which a rule holds, by what the clock in `timeZone` shows. All given fields must match.
 *
 * A time that the clock skips does not occur. A time that the clock shows twice counts twice. So on the night of a clock change a span
 * may be an hour longer or shorter.
 */
export interface Calendar {
  /** The weekdays. Default: every day. */
  readonly days?: readonly Weekday[] | undefined;
  /** The time of the day from which the rule holds: `'09:00'`. Default: `'00:00'`. */
  readonly from?: string | undefined;
  /**
   * The time of the day until which the rule holds, not included: `'18:00'`, up to `'24:00'`, which is the default. Before `from`: a time
   * of the next day. The span then belongs to the day on which it begins.
   */
  readonly to?: string | undefined;
  /** The first date: `'2026-12-20'`. Default: none. */
  readonly firstDay?: string | undefined;
  /** The last date, included. Default: none. */
  readonly lastDay?: string | undefined;
  /** A time zone of the IANA database: `'Europe/Berlin'`, `'UTC'`. */
  readonly timeZone: string;
}

/** By the numbers of `Date`: Sunday is 0. */
export const WEEKDAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** The most items of a calendar. */
export const MAX_ITEMS = 10;

export const TIME_PATTERN = '^(([01]\\d|2[0-3]):[0-5]\\d|24:00)$';
export const DATE_PATTERN = '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$';

const FIELDS = ['days', 'from', 'to', 'firstDay', 'lastDay', 'timeZone'] as const;

/** Reads a calendar: one item, or a list of 1 to 10 of which any may hold. @throws InvalidArgumentError */
export function readWhen(argument: string, value: unknown): When {
  if (!Array.isArray(value)) return Object.freeze([readHours(argument, value)]);
  return Object.freeze(readBoundedList(argument, value, 1, MAX_ITEMS).map((item, i) => readHours(`${argument}[${i}]`, item)));
}

function readHours(argument: string, value: unknown): Hours {
  const given = readOptions<(typeof FIELDS)[number]>(argument, value, FIELDS);
  const zone = readZone(`${argument}.timeZone`, given.timeZone);
  const { days, from, to, firstDay, lastDay } = given;
  if ([days, from, to, firstDay, lastDay].every((field) => field === undefined))
    throw invalid(argument, 'a calendar with at least one of days, from, to, firstDay and lastDay', value);
  const hours = {
    days: days === undefined ? undefined : readDays(`${argument}.days`, days),
    from: from === undefined ? 0 : readTime(`${argument}.from`, from),
    to: to === undefined ? DAY_MS : readTime(`${argument}.to`, to),
    firstDay: firstDay === undefined ? -Infinity : readDate(`${argument}.firstDay`, firstDay),
    lastDay: lastDay === undefined ? Infinity : readDate(`${argument}.lastDay`, lastDay),
    zone,
  };
  if (hours.from === DAY_MS) throw invalid(`${argument}.from`, "a time before '24:00'", from);
  if (hours.from === hours.to) throw invalid(`${argument}.to`, 'different from `from`; omit both for whole days', to);
  if (hours.firstDay > hours.lastDay) throw invalid(`${argument}.lastDay`, 'not before firstDay', lastDay);
  return Object.freeze(hours);
}

function readDays(argument: string, value: unknown): ReadonlySet<number> {
  const list = readBoundedList(argument, value, 1, WEEKDAYS.length).map((day, i) => {
    const number = WEEKDAYS.indexOf(day as Weekday);
    if (number === -1) throw invalid(`${argument}[${i}]`, `one of ${WEEKDAYS.join(', ')}`, day);
    return number;
  });
  const twice = list.findIndex((day, i) => list.indexOf(day) !== i);
  if (twice !== -1) throw invalid(`${argument}[${twice}]`, 'listed only once', WEEKDAYS[list[twice] as number]);
  return new Set(list);
}

function readTime(argument: string, value: unknown): number {
  if (typeof value !== 'string' || !new RegExp(TIME_PATTERN).test(value))
    throw invalid(argument, "a time of the day such as '09:00', up to '24:00'", value);
  return (Number(value.slice(0, 2)) * 60 + Number(value.slice(3))) * 60_000;
}

/** The number of days since 1970-01-01. */
function readDate(argument: string, value: unknown): number {
  const midnight = typeof value === 'string' && new RegExp(DATE_PATTERN).test(value) ? Date.parse(`${value}T00:00:00Z`) : NaN;
  // `Date.parse` takes 30 February as 2 March.
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== value)
    throw invalid(argument, "a date such as '2026-12-20'", value);
  return midnight / DAY_MS;
}
