import type { GrantStore, Page, Row } from '../../core/ports.js';
import { isObject } from '../../records/index.js';
import { askPage } from '../store-reads.js';

/** A page is read by `find` and again by `get`: two of them fit in a turn of the event loop (L42). */
export const PAGE = 100;

/** Where a page began, and the last id on it. */
interface Place {
  readonly after: string | undefined;
  readonly last: string;
}

/** The pages of `find` that one round of reading has asked for, and the rows on them by their ids. */
export type PagesOfStore = Map<
  string,
  { readonly rows: ReadonlyMap<string, Row>; readonly last: string | undefined; readonly next: string | undefined }
>;

/** Lists every row of a kind, and finds one of them again later: only the store knows where a cursor stands. */
export class Listing {
  readonly #store: Pick<GrantStore, 'find'>;
  readonly #places = new Map<string, Place[]>();

  constructor(store: Pick<GrantStore, 'find'>) {
    this.#store = store;
  }

  /** @throws StoreError */
  async *pages(kind: string): AsyncGenerator<readonly unknown[], void, undefined> {
    const places: Place[] = [];
    this.#places.set(kind, places);
    for (let after: string | undefined, more = true; more;) {
      const page: Page<Row> = await askPage(this.#store, { kind, after, limit: PAGE });
      const last = lastIdOf(page);
      if (last !== undefined) places.push({ after, last });
      yield page.items;
      after = page.next;
      more = after !== undefined;
    }
  }

  /** The row as `find` gives it now. @throws StoreError */
  async row(kind: string, id: string, read: PagesOfStore): Promise<Row | undefined> {
    for (let after = this.#cursorOf(kind, id); ;) {
      const place = JSON.stringify([kind, after ?? null]);
      let page = read.get(place);
      if (page === undefined) {
        const asked = await askPage(this.#store, { kind, after, limit: PAGE });
        const rows = new Map(asked.items.filter((row) => isObject(row)).map((row) => [row.id, row]));
        read.set(place, (page = { rows, last: lastIdOf(asked), next: asked.next }));
      }
      const found = page.rows.get(id);
      if (found !== undefined) return found;
      if (page.next === undefined || (page.last !== undefined && page.last > id)) return undefined;
      after = page.next;
    }
  }

  /** Where the page begins that an id belongs on: the first page whose last id is not before it. */
  #cursorOf(kind: string, id: string): string | undefined {
    const places = this.#places.get(kind) ?? [];
    let [low, high] = [0, places.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((places[middle] as Place).last < id) low = middle + 1;
      else high = middle;
    }
    return places[low]?.after;
  }
}

function lastIdOf({ items }: Page<Row>): string | undefined {
  const last: unknown = items.at(-1);
  const id: unknown = isObject(last) ? (last as Row).id : undefined;
  return typeof id === 'string' ? id : undefined;
}
