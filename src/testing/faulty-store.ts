import { StoreError } from '../core/errors.js';
import { readCount } from '../core/parse.js';
import type { MaybePromise, Page } from '../core/ports.js';
import type { Change, CommitAnswer, GrantStore, JournalSlice, Row, RowKey, Unsubscribe } from '../core/store-port.js';
import { Interleaving } from './interleaving.js';

/** The methods of a store that ask its backend: the six that each has, and two that it may have. */
export type StoreMethod = 'get' | 'live' | 'find' | 'due' | 'commit' | 'journal' | 'heads' | 'dueNamespaces';

/** What can go wrong with a call. */
export type Fault =
  | Failure
  /** Answers, truly, but only after several turns of the event loop, so that other calls come in between. */
  | { readonly fault: 'yield'; readonly seed?: number };

type Failure =
  /** Throws before there is a promise: a bug in an adapter. */
  | { readonly fault: 'throw'; readonly error?: unknown }
  /** Rejects without doing anything: the backend could not be asked. */
  | { readonly fault: 'reject'; readonly error?: unknown }
  /** Doesn't answer before {@link FaultyStore.release}; then it does what was asked. */
  | { readonly fault: 'hang' }
  /** Does nothing and answers this. A function is given the true answer, of a call that was then made. */
  | { readonly fault: 'malformed'; readonly answer: unknown }
  /** Does what was asked, then rejects: a commit that was applied, and whose reply was cut off. */
  | { readonly fault: 'lose reply'; readonly error?: unknown };

interface Injected {
  readonly method: StoreMethod | 'all';
  /** Either a failure, or the turns that calls wait for. */
  readonly does: Failure | Interleaving;
  left: number;
}

/** What a store and its other namespaces have in common. */
interface SharedFaults {
  injected: Injected[];
  hanging: (() => void)[];
  readonly calls: { readonly method: StoreMethod; readonly namespace: string; readonly argument: unknown }[];
}

/**
 * A store around another one, into which faults can be injected. Without any, it hands everything through as it is. It has
 * `watch`, `heads` and `dueNamespaces` where the other one has them, and never `windowOf`, which would pass by the faults of `live`.
 *
 * Faults reach the other namespaces of this store too. Several on one method are used up in the order in which they
 * were injected; a `yield` comes on top of any other. To have more than that, wrap a faulty store in another.
 *
 * @example
 * const store = new FaultyStore(new MemoryGrantStore());
 * store.inject('commit', { fault: 'lose reply' }, 1);
 * store.inject('all', { fault: 'yield' });
 */
export class FaultyStore implements GrantStore {
  readonly namespace: string;
  readonly durability: GrantStore['durability'];
  declare readonly watch?: (wake: (headSeq?: number) => void) => Unsubscribe;
  declare readonly heads?: Required<GrantStore>['heads'];
  declare readonly dueNamespaces?: Required<GrantStore>['dueNamespaces'];
  readonly #inner: GrantStore;
  #desk: SharedFaults = { injected: [], hanging: [], calls: [] };

  constructor(inner: GrantStore) {
    this.#inner = inner;
    this.namespace = inner.namespace;
    this.durability = inner.durability;
    const whole = inner as Required<GrantStore>;
    if (inner.watch !== undefined) this.watch = (wake) => whole.watch(wake);
    if (inner.heads !== undefined) this.heads = (namespaces) => this.#call('heads', namespaces, () => whole.heads(namespaces));
    if (inner.dueNamespaces !== undefined) {
      this.dueNamespaces = (query) => this.#call('dueNamespaces', query, () => whole.dueNamespaces(query));
    }
  }

  in(namespace: string): FaultyStore {
    const other = new FaultyStore(this.#inner.in(namespace));
    other.#desk = this.#desk;
    return other;
  }

  /** Every call so far, in every namespace, in order, with the one argument that it had. */
  get calls(): SharedFaults['calls'] {
    return this.#desk.calls;
  }

  /** How often a method was called. */
  called(method: StoreMethod): number {
    return this.#desk.calls.filter((call) => call.method === method).length;
  }

  /**
   * Lets the next calls of a method go wrong.
   *
   * @param times how many of them; default: all until cleared
   * @returns clears this fault again
   */
  inject(method: StoreMethod | 'all', fault: Fault, times = Number.MAX_SAFE_INTEGER): () => void {
    const does = fault.fault === 'yield' ? new Interleaving(fault.seed) : fault;
    const injected: Injected = { method, does, left: readCount('times', times, 1) };
    this.#desk.injected.push(injected);
    return () => {
      this.#desk.injected = this.#desk.injected.filter((other) => other !== injected);
    };
  }

  /** Clears every fault. Calls that hang go on hanging until {@link release}. */
  clear(): void {
    this.#desk.injected = [];
  }

  /** Lets the calls that hang do what was asked of them: the answer that comes after its asker has given up. */
  release(): void {
    for (const go of this.#desk.hanging.splice(0)) go();
  }

  get(keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]> {
    return this.#call('get', keys, () => this.#inner.get(keys));
  }

  live(query: Parameters<GrantStore['live']>[0]): MaybePromise<readonly Row[]> {
    return this.#call('live', query, () => this.#inner.live(query) as Promise<readonly Row[]>);
  }

  find(query: Parameters<GrantStore['find']>[0]): Promise<Page<Row>> {
    return this.#call('find', query, () => this.#inner.find(query));
  }

  due(query: Parameters<GrantStore['due']>[0]): Promise<Page<Row>> {
    return this.#call('due', query, () => this.#inner.due(query));
  }

  commit(change: Change): Promise<CommitAnswer> {
    return this.#call('commit', change, () => this.#inner.commit(change));
  }

  journal(query: Parameters<GrantStore['journal']>[0]): Promise<JournalSlice> {
    return this.#call('journal', query, () => this.#inner.journal(query));
  }

  #call<Answer>(method: StoreMethod, argument: unknown, ask: () => Promise<Answer>): Promise<Answer> {
    this.#desk.calls.push({ method, namespace: this.namespace, argument });
    const failure = this.#takeOne(method, (does): does is Failure => !(does instanceof Interleaving));
    const interleaving = this.#takeOne(method, (does): does is Interleaving => does instanceof Interleaving);
    const faulty = failure === undefined ? ask : () => this.#fail(method, failure, ask);
    // Under a yield a throw would come as a rejection, which is another fault.
    return interleaving === undefined || failure?.fault === 'throw' ? faulty() : interleaving.around(faulty);
  }

  /** The first of a sort that has been injected for a method and is not used up. */
  #takeOne<Does extends Injected['does']>(method: StoreMethod, isOfSort: (does: Injected['does']) => does is Does): Does | undefined {
    for (const injected of this.#desk.injected) {
      if (injected.left === 0 || (injected.method !== 'all' && injected.method !== method) || !isOfSort(injected.does)) continue;
      injected.left -= 1;
      return injected.does;
    }
    return undefined;
  }

  #fail<Answer>(method: StoreMethod, fault: Failure, ask: () => Promise<Answer>): Promise<Answer> {
    const error = 'error' in fault ? fault.error : new StoreError(method, 'an injected fault');
    switch (fault.fault) {
      case 'throw':
        throw error;
      case 'reject':
        return rejected(error);
      case 'hang':
        return new Promise<void>((resolve) => this.#desk.hanging.push(resolve)).then(ask);
      case 'malformed': {
        const { answer } = fault;
        return typeof answer === 'function' ? Promise.resolve(ask()).then(answer as () => Answer) : Promise.resolve(answer as Answer);
      }
      case 'lose reply':
        // Not a StoreError: that would claim that nothing was applied.
        return Promise.resolve(ask()).then(() => rejected('error' in fault ? error : new Error('an injected fault: the reply was lost')));
    }
  }
}

/** An error that is none is worth injecting too: rejecting with whatever was given is the point. */
async function rejected(error: unknown): Promise<never> {
  throw error;
}
