import { language } from './messages.js';

/*
 * Instants and durations in words, in the language of the page and in the viewer's zone.
 */

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const { lang } = language.value;
  const key = lang + JSON.stringify(options);
  const known = formats.get(key) ?? new Intl.DateTimeFormat(lang, options);
  formats.set(key, known);
  return known;
}

const CLOCK = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;

/** The local day, for a comparison. */
const dayOf = (at: number): string => new Date(at).toDateString();

/** An instant, as short as its distance from now permits: `14:05`, `Tue 14:05`, `3 Mar, 14:05`, `3 Mar 2025, 14:05`. */
export function shortTime(at: number, now: number): string {
  if (dayOf(at) === dayOf(now)) return formatOf(CLOCK).format(at);
  if (Math.abs(at - now) < 6 * 86_400_000) return formatOf({ weekday: 'short', ...CLOCK }).format(at);
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return formatOf({ day: 'numeric', month: 'short', ...(isThisYear ? {} : { year: 'numeric' }), ...CLOCK }).format(at);
}

/** An instant in full, with the name of the zone. */
export const fullTime = (at: number): string => formatOf({ dateStyle: 'medium', timeStyle: 'long', hourCycle: 'h23' }).format(at);

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

const numbers = new Map<string, Intl.NumberFormat>();

function unit(count: number, name: string): string {
  const { lang } = language.value;
  const key = lang + name;
  // In a narrow form, English and most other languages write `4h` or `4m`, which a reader of a list takes in at once.
  const known = numbers.get(key) ?? new Intl.NumberFormat(lang, { style: 'unit', unit: name, unitDisplay: 'short' });
  numbers.set(key, known);
  return known.format(count);
}

/**
 * A duration in its two largest units: `2 days, 4 hr`, `1 hr, 30 min`, `45 min`, `30 sec`.
 *
 * @param ms rounded up to a whole second, so that a countdown never shows zero before its end
 */
export function duration(ms: number): string {
  let left = Math.max(0, Math.ceil(ms / 1_000) * 1_000);
  const first = UNITS.findIndex(([, size]) => left >= size);
  if (first === -1) return unit(0, 'second');
  const parts: string[] = [];
  for (const [name, size] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(unit(count, name));
  }
  return parts.join(' ');
}

/** The time until a window ends: seconds only within the last ten minutes. */
export function countdown(ms: number): string {
  return duration(ms > 600_000 ? Math.ceil(ms / 60_000) * 60_000 : ms);
}
