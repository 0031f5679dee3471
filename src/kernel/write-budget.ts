/** The entries that were taken from the budget in the current second and hour. */
export interface Spent {
  second: number;
  inSecond: number;
  hour: number;
  inHour: number;
}

const HOUR_S = 3_600;
/** The most entries that one process writes in a second and in an hour. `MOST_OF_ONE` is the limit for each actor. */
const MOST = { inSecond: 10, inHour: 2_000 } as const;
/** The part of `MOST` that is reserved for attempts at a review that the actor may not give. */
const RESERVE = { inSecond: 3, inHour: 500 } as const;
const MOST_OF_ONE = { inSecond: 4, inHour: 200 } as const;

const newSpent = (): Spent => ({ second: -1, inSecond: 0, hour: -1, inHour: 0 });

/** The budget of entries about refused attempts. Each actor has a limit, so that no actor uses up the whole budget (L29). */
export class WriteBudget {
  readonly #spent = newSpent();
  /** The entries that were taken with `isReserved`. What they leave of `RESERVE` stays closed to all other attempts. */
  readonly #reserved = newSpent();

  /** Whether no entry may be written now, for any actor. */
  isSpent(now: number): boolean {
    renew(this.#spent, now);
    return this.#spent.inSecond >= MOST.inSecond || this.#spent.inHour >= MOST.inHour;
  }

  /** Takes one entry for an actor. @param isReserved the reserve may be used @returns false: none is left */
  take(actor: Spent, isReserved: boolean, now: number): boolean {
    for (const spent of [this.#spent, this.#reserved, actor]) renew(spent, now);
    const isLeft = (['inSecond', 'inHour'] as const).every((span) => {
      const kept = isReserved ? 0 : Math.max(0, RESERVE[span] - this.#reserved[span]);
      return this.#spent[span] < MOST[span] - kept && actor[span] < MOST_OF_ONE[span];
    });
    if (!isLeft) return false;
    for (const spent of isReserved ? [this.#spent, this.#reserved, actor] : [this.#spent, actor]) {
      spent.inSecond += 1;
      spent.inHour += 1;
    }
    return true;
  }

  /** Whether the actor has taken no entry this hour, so that it can be forgotten. */
  isFresh(actor: Spent, now: number): boolean {
    renew(actor, now);
    return actor.inHour === 0;
  }
}

function renew(spent: Spent, now: number): void {
  const second = Math.floor(now / 1_000);
  const hour = Math.floor(second / HOUR_S);
  if (second !== spent.second) spent.inSecond = 0;
  if (hour !== spent.hour) spent.inHour = 0;
  spent.second = second;
  spent.hour = hour;
}
