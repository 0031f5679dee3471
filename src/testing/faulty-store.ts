import { StoreError } from '../core/errors.js';
import { readCount } from '../core/parse.js';
import type { MaybePromise, Page } from '../core/ports.js';
import type {
  Change,
  CommitAnswer,
  ContextQuery,
  GrantStore,
  JournalSlice,
  Row,
  RowKey,
  StoreContext,
  Unsubscribe,
} from '../core/store-port.js';
import { Interleaving } from './interleaving.js';

/** The methods of a store that ask its backend: the six required ones, and four optional ones. */
export type StoreMethod = 'get' | 'live' | 'find' | 'context' | 'due' | 'commit' | 'journal' | 'heads' | 'dueNamespaces' | 'adopt';

/** A fault that can be injected into a call. */
export type Fault =
  | Failure
  /** Answers correctly, but only after several turns of the event loop, so that other calls run in between. */
  | { readonly fault: 'yield'; readonly seed?: number };

type Failure =
  /** Throws before there is a promise: a bug in an adapter. */
  | { readonly fault: 'throw'; readonly error?: unknown }
  /** Rejects without doing anything: the backend was unavailable. */
  | { readonly fault: 'reject'; readonly error?: unknown }
  /** Does not answer before {@link FaultyStore.release}; then it makes the call. */
  | { readonly fault: 'hang' }
  /** Does nothing and returns this answer. If it is a function, makes the call and passes the real answer to the function. */
  | { readonly fault: 'malformed'; readonly answer: unknown }
  /** Makes the call, then rejects: for a commit, it was applied and the reply was lost. */
  | { readonly fault: 'lose reply'; readonly error?: unknown };

interface Injected {
  readonly method: StoreMethod | 'all';
  /** Either a failure, or the turns that calls wait. */
  readonly does: Failure | Interleaving;
  left: number;
}

/** The state that a store shares with its other namespaces. */
interface SharedFaults {
  injected: Injected[];
  hanging: (() => void)[];
  readonly calls: { readonly method: StoreMethod; readonly namespace: string; readonly argument: unknown }[];
}

/**
 * Wraps a store, and injects faults into its calls. Without faults it passes every call through unchanged. It has `watch`,
 * `context`, `heads`, `dueNamespaces`, `adopt` and `hooks` if the wrapped store has them; calls of `hooks` get no faults. It never has
 * `windowOf`, which would bypass the faults of `live`.
 *
 * Gotcha: an engine that reads by `context` makes no call of `get`, `live` or `find` in its place. Inject a fault of a verb's read
 * into `context` too, or into 'all'.
 *
 * Faults also apply to the other namespaces of this store. Several faults of one method are used up in the order of their
 * injection. A `yield` combines with any other fault. For more combinations, wrap a faulty store in another.
 *
 * @example
 * const store = new FaultyStore(new MemoryGrantStore());
 * store.inject('commit', { fault: 'lose reply' }, 1);
 * store.inject('all', { fault: 'yield' });
 */
export class FaultyStore implements GrantStore {
  readonly namespace: string;
  readonly durability: GrantStore['durability'];
  readonly maxChange: GrantStore['maxChange'];
  declare readonly watch?: (wake: (headSeq?: number) => void) => Unsubscribe;
  declare readonly heads?: Required<GrantStore>['heads'];
  declare readonly dueNamespaces?: Required<GrantStore>['dueNamespaces'];
  declare readonly hooks?: Required<GrantStore>['hooks'];
  declare readonly adopt?: Required<GrantStore>['adopt'];
  readonly #inner: GrantStore;
  #faults: SharedFaults = { injected: [], hanging: [], calls: [] };

  /** @param inner the store that receives the calls */
  constructor(inner: GrantStore) {
    this.#inner = inner;
    this.namespace = inner.namespace;
    this.durability = inner.durability;
    this.maxChange = inner.maxChange;
    const whole = inner as Required<GrantStore>;
    // On the prototype beside `get`, `live` and `find`: the engine uses only a `context` that the same object defines.
    if (inner.context === undefined) Object.defineProperty(this, 'context', { value: undefined });
    if (inner.watch !== undefined) this.watch = (wake) => whole.watch(wake);
    if (inner.heads !== undefined) this.heads = (namespaces) => this.#call('heads', namespaces, () => whole.heads(namespaces));
    if (inner.hooks !== undefined) this.hooks = inner.hooks;
    if (inner.adopt !== undefined) this.adopt = (part) => this.#call('adopt', part, () => whole.adopt(part));
    if (inner.dueNamespaces !== undefined) {
      this.dueNamespaces = (query) => this.#call('dueNamespaces', query, () => whole.dueNamespaces(query));
    }
  }

  in(namespace: string): FaultyStore {
    const other = new FaultyStore(this.#inner.in(namespace));
    other.#faults = this.#faults;
    return other;
  }

  /** All calls so far, of all namespaces, in order, each with its argument. */
  get calls(): SharedFaults['calls'] {
    return this.#faults.calls;
  }

  /** How often a method was called. */
  called(method: StoreMethod): number {
    return this.#faults.calls.filter((call) => call.method === method).length;
  }

  /**
   * Injects a fault into the next calls of a method.
   *
   * @param times the number of calls; default: all calls until the fault is cleared
   * @returns a function that clears this fault
   */
  inject(method: StoreMethod | 'all', fault: Fault, times = Number.MAX_SAFE_INTEGER): () => void {
    const does = fault.fault === 'yield' ? new Interleaving(fault.seed) : fault;
    const injected: Injected = { method, does, left: readCount('times', times, 1) };
    this.#faults.injected.push(injected);
    return () => {
      this.#faults.injected = this.#faults.injected.filter((other) => other !== injected);
    };
  }

  /** Clears every fault. Calls that hang continue to hang until {@link release}. */
  clear(): void {
    this.#faults.injected = [];
  }

  /** Lets the hanging calls run: their answers arrive after the caller may have given up. */
  release(): void {
    for (const go of this.#faults.hanging.splice(0)) go();
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

  context?(query: ContextQuery): Promise<StoreContext> {
    return this.#call('context', query, () => (this.#inner as Required<GrantStore>).context(query));
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
    this.#faults.calls.push({ method, namespace: this.namespace, argument });
    const failure = this.#takeOne(method, (does): does is Failure => !(does instanceof Interleaving));
    const interleaving = this.#takeOne(method, (does): does is Interleaving => does instanceof Interleaving);
    const faulty = failure === undefined ? ask : () => this.#fail(method, failure, ask);
    // Wrapped in a yield, the throw would become a rejection, which is another fault.
    return interleaving === undefined || failure?.fault === 'throw' ? faulty() : interleaving.around(faulty);
  }

  /** Uses up the first fault of one sort that was injected for a method. @returns the fault, or `undefined` */
  #takeOne<Does extends Injected['does']>(method: StoreMethod, isOfSort: (does: Injected['does']) => does is Does): Does | undefined {
    for (const injected of this.#faults.injected) {
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
        return new Promise<void>((resolve) => this.#faults.hanging.push(resolve)).then(ask);
      case 'malformed': {
        const { answer } = fault;
        return typeof answer === 'function' ? Promise.resolve(ask()).then(answer as () => Answer) : Promise.resolve(answer as Answer);
      }
      case 'lose reply':
        // Not a StoreError, which would claim that nothing was applied.
        return Promise.resolve(ask()).then(() => rejected('error' in fault ? error : new Error('an injected fault: the reply was lost')));
    }
  }
}

/** Rejects with the given value, which need not be an error: such a rejection is also worth testing. */
async function rejected(error: unknown): Promise<never> {
  throw error;
}
