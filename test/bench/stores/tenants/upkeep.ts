import type { GrantStore } from 'jit-access';
import { createView, type CreateViewOptions } from 'jit-access/view';

/** A question to the store that a process with many namespaces repeats, whether or not there are commits. */
export type Round = () => Promise<unknown>;

/** So many namespaces are in a page of `dueNamespaces`. */
const PAGE = 1_000;

/** A view polls four times as often. With the default of a second, polls of journals alone would saturate two cores. */
const MAX_STALE_MS = 4_000;

/** The questions of one process about its namespaces while nothing happens. */
export class Upkeep {
  readonly #stores: readonly GrantStore[];
  readonly #byName: ReadonlyMap<string, GrantStore>;
  readonly #at: number;
  /** By namespace: the seq up to which its journal was read. */
  readonly #seen = new Map<string, number>();

  /** @param at what is due by then */
  constructor(stores: readonly GrantStore[], at: number) {
    this.#stores = stores;
    this.#byName = new Map(stores.map((store) => [store.namespace, store]));
    this.#at = at;
  }

  /** As the sweeper begins the pass of each engine. */
  readonly due: Round = () => this.#dueOf(this.#stores);

  /** Asks only the namespaces in which something is due. `undefined`: the store cannot name them. */
  get dueNamespaces(): Round | undefined {
    const [first] = this.#stores;
    if (first?.dueNamespaces === undefined) return undefined;
    const named = first as Required<GrantStore>;
    return async () => {
      for (let after: string | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
        const { items, next } = await named.dueNamespaces({ at: this.#at, after, limit: PAGE });
        await this.#dueOf(items.flatMap((name) => this.#byName.get(name) ?? []));
        after = next;
      }
    };
  }

  /** As views poll, while nothing happens. */
  readonly journals: Round = () => Promise.all(this.#stores.map((store) => store.journal({ after: Number.MAX_SAFE_INTEGER, limit: PAGE })));

  /** As a process could poll: it asks for all heads at once. `undefined`: the store has no such question. */
  get heads(): Round | undefined {
    const [first] = this.#stores;
    if (first?.heads === undefined) return undefined;
    const named = first as Required<GrantStore>;
    return () => named.heads(this.#stores.map(({ namespace }) => namespace));
  }

  /** The same, and it reads what came into the journals whose heads have moved. */
  get moved(): Round | undefined {
    const [first] = this.#stores;
    if (first?.heads === undefined) return undefined;
    const named = first as Required<GrantStore>;
    return async () => {
      const heads = await named.heads(this.#stores.map(({ namespace }) => namespace));
      await Promise.all(this.#stores.map((store, i) => this.#catchUp(store, heads[i]?.seq ?? 0)));
    };
  }

  async #catchUp(store: GrantStore, seq: number): Promise<void> {
    const after = this.#seen.get(store.namespace) ?? seq;
    this.#seen.set(store.namespace, seq);
    if (after < seq) await store.journal({ after, limit: PAGE });
  }

  #dueOf(stores: readonly GrantStore[]): Promise<unknown> {
    return Promise.all(stores.map((store) => store.due({ at: this.#at, limit: 100 })));
  }
}

/** Repeats a round beside other calls: every so many milliseconds, or as often as it can. */
export function repeat(round: Round, everyMs: number): { stop(): Promise<void> } {
  let isOver = false;
  const run = async () => {
    while (!isOver) {
      const started = performance.now();
      await round();
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, everyMs - (performance.now() - started))));
    }
  };
  const running = run();
  return { stop: () => ((isOver = true), running) };
}

/**
 * A live view of each namespace, which has asked the store once. They only poll: with `watch`, each also reads its journal after a
 * commit, and over Redis each has a connection of its own.
 *
 * @returns a function that closes them
 */
export async function openViews(stores: readonly GrantStore[]): Promise<() => void> {
  const views = stores.map((store) => createView({ store: pollable(store), load: 'asked', maxStaleMs: MAX_STALE_MS }));
  await Promise.all(views.map((view) => view.refresh()));
  return () => views.forEach((view) => view.close());
}

function pollable(store: GrantStore): CreateViewOptions['store'] {
  const { namespace, durability } = store;
  return {
    namespace,
    durability,
    get: (keys) => store.get(keys),
    live: (query) => store.live(query),
    find: (query) => store.find(query),
    journal: (query) => store.journal(query),
  };
}
