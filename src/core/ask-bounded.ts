import type { MaybePromise } from './ports.js';

/** The most questions that are open at a time. */
const MOST_OPEN = 32;

/**
 * Asks about each item, in order, with at most 32 questions open at a time: each answer makes place for the next question.
 *
 * @returns a promise for each item. The caller handles each rejection
 */
export function askBounded<Item, Answer>(items: readonly Item[], ask: (item: Item) => MaybePromise<Answer>): readonly Promise<Answer>[] {
  const waiting: (() => void)[] = [];
  let open = 0;
  return items.map(async (item) => {
    if (open === MOST_OPEN) await new Promise<void>((go) => waiting.push(go));
    else open += 1;
    try {
      return await ask(item);
    } finally {
      const next = waiting.shift();
      if (next === undefined) open -= 1;
      else next();
    }
  });
}

/**
 * Asks one question about many items, of which each may have an answer of its own.
 *
 * @param count the number of items, at least 1
 * @returns a promise for each item. All of them reject if the question fails, or if its answer is no list of that length
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
