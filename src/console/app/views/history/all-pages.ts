import type { AnyPage } from './use-pages.js';

/** Reads the page at a place. `undefined`: the first one. */
export type PageReader<T> = (after: string | undefined, signal: AbortSignal) => PromiseLike<AnyPage<T>>;

/** The most grants of one answer: it bounds the time and the memory of a page that reads to the end. */
export const MOST_GRANTS = 100_000;

/**
 * The pages of a list from a place on, one after the other, until it ends, {@link MOST_GRANTS} were read, or the signal aborts.
 *
 * @param count how many items were read before that place
 */
export async function* allPages<T>(read: PageReader<T>, signal: AbortSignal, after?: string, count = 0): AsyncGenerator<AnyPage<T>> {
  let place = after;
  do {
    const page: AnyPage<T> = await read(place, signal);
    if (signal.aborted) return;
    yield page;
    count += page.items.length;
    place = page.next;
  } while (place !== undefined && count < MOST_GRANTS);
}
