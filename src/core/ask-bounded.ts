import type { MaybePromise } from './ports.js';

/** The most questions that are open at a time. */
const MOST_OPEN = 32;

/** Keeps at most 32 questions open at a time: each answer makes place for the next question. */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  #open = 0;

  async ask<Answer>(question: () => MaybePromise<Answer>): Promise<Answer> {
    if (this.#open === MOST_OPEN) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#open += 1;
    try {
      return await question();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#open -= 1;
      else next();
    }
  }
}

/**
 * Asks about each item, in order, with at most 32 questions open at a time.
 *
 * @returns a promise for each item. The caller handles each rejection
 */
export function askBounded<Item, Answer>(items: readonly Item[], ask: (item: Item) => MaybePromise<Answer>): readonly Promise<Answer>[] {
  const slots = new Slots();
  return items.map((item) => slots.ask(() => ask(item)));
}

/**
 * Asks one question about many items, of which each may have an answer of its own.
 *
 * @param count the number of items, at least 1
 * @returns a promise for each item. All of them reject where the question fails, or where its answer is no list of that length
 */
export function askForAll<Answer>(count: number, ask: () => MaybePromise<readonly MaybePromise<Answer>[]>): readonly Promise<Answer>[] {
  const all = (async () => {
    const answers: unknown = await ask();
    const list: readonly unknown[] = Array.isArray(answers) ? answers : [];
    if (list.length === count) return list as readonly MaybePromise<Answer>[];
    // An item may be a promise that rejects. Unhandled, it would end the process.
    for (const answer of list) Promise.resolve(answer).catch(() => undefined);
    throw new TypeError('the answer must be a list with one item for each request');
  })();
  return Array.from({ length: count }, async (_, i) => (await all)[i] as Answer);
}
