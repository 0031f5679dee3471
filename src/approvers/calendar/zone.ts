import { invalid } from '../../core/parse.js';

export const DAY_MS = 86_400_000;

/** What a clock in a time zone shows. */
export interface Reading {
  /** The local date, as the number of days since 1970-01-01. */
  readonly day: number;
  /** Milliseconds since the local midnight, as the clock shows them. */
  readonly time: number;
}

const PARTS = ['year', 'month', 'day', 'hour', 'minute', 'second'] as const;

/** A time zone of the IANA database, computed with `Intl`: the runtime brings the rules, and may have older ones than another. */
export class Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;

  /** @throws RangeError for an unknown zone */
  constructor(name: string) {
    this.name = name;
    const numeric = Object.fromEntries(PARTS.map((part) => [part, 'numeric']));
    this.#format = new Intl.DateTimeFormat('en-US', {
      ...numeric,
      timeZone: name,
      hourCycle: 'h23',
      calendar: 'gregory',
      numberingSystem: 'latn',
    });
  }

  /** How far the local clock is ahead of UTC at an instant. Milliseconds. */
  offsetAt(instant: number): number {
    const shown = new Map(this.#format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = PARTS.map((part) => shown.get(part) ?? 0);
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1_000) * 1_000;
  }

  readingAt(instant: number): Reading {
    const local = instant + this.offsetAt(instant);
    const day = Math.floor(local / DAY_MS);
    return { day, time: local - day * DAY_MS };
  }

  /** The first instant after `after`, and at or before `until`, at which the clock is changed. `undefined`: its offset is the same at both. */
  changeWithin(after: number, until: number): number | undefined {
    const before = this.offsetAt(after);
    if (this.offsetAt(until) === before) return undefined;
    let [low, high] = [after, until];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetAt(middle) === before) low = middle;
      else high = middle;
    }
    return high;
  }
}

/** By name: a formatter takes long to make, and all rules of a policy often name one zone. */
const zones = new Map<string, Zone>();

/** @throws InvalidArgumentError */
export function readZone(argument: string, value: unknown): Zone {
  try {
    if (typeof value === 'string' && value.length <= 64) {
      const zone = zones.get(value) ?? new Zone(value);
      zones.set(value, zone);
      return zone;
    }
  } catch {
    // The error below names the argument.
  }
  throw invalid(argument, "a time zone that this runtime knows, such as 'Europe/Berlin' or 'UTC'", value);
}
