import type { Page } from '../../core/ports.js';
import type { GrantStore, Row } from '../../core/store-port.js';
import { isObject, type RowPlace } from '../../records/index.js';
import { isInstant } from '../../core/instant.js';
import { askPage } from '../store-reads.js';

/** The page size. `find` and then `get` read each page: two pages fit in a turn of the event loop (L42). */
export const PAGE = 100;

/** The cursor of a page, and the position of its last row. */
interface PageStart {
  readonly after: string | undefined;
  readonly last: RowPlace;
}

/** The pages of `find` that a round has read, by kind and cursor, with their rows by id. */
export type PagesOfStore = Map<
  string,
  { readonly rows: ReadonlyMap<string, Row>; readonly last: RowPlace | undefined; readonly next: string | undefined }
>;

/** Lists every row of a kind, and later finds a row again. It keeps the cursors of the pages, because only the store can read them. */
export class Listing {
  readonly #store: Pick<GrantStore, 'find'>;
  readonly #places = new Map<string, PageStart[]>();

  constructor(store: Pick<GrantStore, 'find'>) {
    this.#store = store;
  }

  /** @throws StoreError */
  async *pages(kind: string): AsyncGenerator<readonly unknown[], void, undefined> {
    const places: PageStart[] = [];
    this.#places.set(kind, places);
    for (let after: string | undefined, more = true; more;) {
      const page: Page<Row> = await askPage(this.#store, { kind, after, limit: PAGE });
      const last = lastOf(page);
      if (last !== undefined) places.push({ after, last });
      yield page.items;
      after = page.next;
      more = after !== undefined;
    }
  }

  /** Reads the row of an id by `find`, at the position where it should be. @throws StoreError */
  async row(kind: string, wanted: RowPlace, read: PagesOfStore): Promise<Row | undefined> {
    for (let after = this.#cursorOf(kind, wanted); ;) {
      const place = JSON.stringify([kind, after ?? null]);
      let page = read.get(place);
      if (page === undefined) {
        const asked = await askPage(this.#store, { kind, after, limit: PAGE });
        const rows = new Map(asked.items.filter((row) => isObject(row)).map((row) => [row.id, row]));
        read.set(place, (page = { rows, last: lastOf(asked), next: asked.next }));
      }
      const found = page.rows.get(wanted.id);
      if (found !== undefined) return found;
      if (page.next === undefined || (page.last !== undefined && isBefore(wanted, page.last))) return undefined;
      after = page.next;
    }
  }

  /** The cursor of the page that a position belongs to: the first page whose last row does not lie before it. */
  #cursorOf(kind: string, wanted: RowPlace): string | undefined {
    const places = this.#places.get(kind) ?? [];
    let [low, high] = [0, places.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore((places[middle] as PageStart).last, wanted)) low = middle + 1;
      else high = middle;
    }
    return places[low]?.after;
  }
}

const isBefore = (a: RowPlace, b: RowPlace): boolean => a.at < b.at || (a.at === b.at && a.id < b.id);

function lastOf({ items }: Page<Row>): RowPlace | undefined {
  const last: unknown = items.at(-1);
  const { createdAt: at, id }: Partial<Record<keyof Row, unknown>> = isObject(last) ? last : {};
  return isInstant(at) && typeof id === 'string' ? { at, id } : undefined;
}
