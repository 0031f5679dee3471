import { nextTurn } from '../../core/turns.js';
import type { Page } from '../../core/ports.js';

/**
 * The first page of a list, as a promise. `for await` yields the records of that page and of all pages after it.
 *
 * @example
 * const { items, next } = await engine.listRequests({ status: 'pending' });
 * for await (const request of engine.listRequests({ status: 'pending' })) console.log(request.id);
 */
export interface Pages<T> extends Promise<Page<T>>, AsyncIterable<T> {}

/** @param read reads the page after a place; `undefined`: the page that the caller asked for */
export function pagesOf<T>(read: (after: string | undefined) => Promise<Page<T>>): Pages<T> {
  const first = read(undefined);
  return Object.assign(first, {
    async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
      for (let page = await first; ; page = await read(page.next)) {
        yield* page.items;
        if (page.next === undefined) return;
        // A store in memory answers without I/O, so a long list would block the event loop (L42).
        await nextTurn();
      }
    },
  });
}
