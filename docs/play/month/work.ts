const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The month: January 2026, in UTC, `[FROM, TO)`. */
export const FROM = Date.UTC(2026, 0, 1);
export const TO = Date.UTC(2026, 1, 1);

/** The working day of the month that is drawn: `[DAY_FROM, DAY_TO)`. */
export const DAY_FROM = Date.UTC(2026, 0, 15, 8);
export const DAY_TO = Date.UTC(2026, 0, 15, 20);

export const PEOPLE = ['user:maya', 'user:noor', 'user:zoe'] as const;

/** Three systems of four parts each; what work needs is to write to one part. */
export const DOORS = ['shop', 'billing', 'mail'].flatMap((system) =>
  ['orders', 'people', 'stock', 'notes'].map((part) => `${system}:${part}:write`),
);

/** One piece of work: a person needs to write to one part, from then to then. */
export interface Work {
  readonly person: string;
  readonly door: string;
  readonly from: number;
  readonly until: number;
}

/**
 * The month's work, the same each time: on every weekday each person has one to four pieces of 5 to 95 minutes between
 * nine and five, one after the other, three in four of them in the system that is theirs.
 */
export function workOfTheMonth(): readonly Work[] {
  const pieces: Work[] = [];
  let state = 7;
  // A linear congruential generator: the numbers of an old textbook.
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let day = FROM; day < TO; day += DAY) {
    const weekday = new Date(day).getUTCDay();
    if (weekday === 0 || weekday === 6) continue;
    PEOPLE.forEach((person, own) => {
      let from = day + 9 * HOUR + draw(60) * MINUTE;
      for (let left = 1 + draw(4); left > 0 && from < day + 16 * HOUR; left--) {
        const until = from + (5 + draw(7) * 15) * MINUTE;
        const system = draw(4) < 3 ? own : draw(3);
        const door = DOORS[4 * system + draw(4)];
        if (door !== undefined) pieces.push({ person, door, from, until });
        from = until + (2 + draw(90)) * MINUTE;
      }
    });
  }
  return pieces.sort((a, b) => a.from - b.from);
}
