/** What one actor has had of the budget. */
export interface Spent {
  second: number;
  inSecond: number;
  hour: number;
  inHour: number;
}

const HOUR_S = 3_600;
/** For each process: how many entries may be written a second and an hour, in all and for each actor. */
const MOST = { inSecond: 10, inHour: 2_000 } as const;
/** The part of it that is kept for attempts at a review that is not the actor's to give. */
const RESERVE = { inSecond: 3, inHour: 500 } as const;
const MOST_OF_ONE = { inSecond: 4, inHour: 200 } as const;

const newSpent = (): Spent => ({ second: -1, inSecond: 0, hour: -1, inHour: 0 });

/** How many entries about refused attempts may be written. No actor gets so much that nothing is left for another's (L29). */
export class WriteBudget {
  readonly #spent = newSpent();
  /** What of it has gone to attempts for which a part is kept. */
  readonly #reserved = newSpent();

  /** Whether nothing may be written now, for whoever it is. */
  isSpent(now: number): boolean {
    renew(this.#spent, now);
    return this.#spent.inSecond >= MOST.inSecond || this.#spent.inHour >= MOST.inHour;
  }

  /** Takes one entry for an actor, if there is one. @param isReserved whether it may be taken of the reserve */
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

  /** Whether nothing of this hour has been taken: such an actor may be forgotten. */
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
