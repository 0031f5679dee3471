import { refuseLargeChange } from '../../core/change-size.js';
import { movedError, refusePart } from '../../core/namespace-part.js';
import { readDueNamespacesQuery, readHeadsQuery } from '../../core/namespaces.js';
import { readId, readOptions } from '../../core/parse.js';
import type { Page } from '../../core/ports.js';
import type {
  Change,
  CommitAnswer,
  ContextQuery,
  DueNamespacesQuery,
  DueQuery,
  FindQuery,
  GrantStore,
  GrantWindow,
  JournalQuery,
  JournalSlice,
  LiveQuery,
  NamespacePart,
  Row,
  RowKey,
  StoreContext,
  Unsubscribe,
} from '../../core/store-port.js';
import type { Anchor } from '../../records/index.js';
import { contextOf } from './context.js';
import { Namespaces, type NamespaceState } from './namespaces.js';

/**
 * The reference store: keeps all rows and the journal in the memory of this process. They are lost when the process ends.
 *
 * The cost of a check grows with the subject's live grants on that scope. The cost of a page of `due` grows with the rows
 * that are due. A grant costs memory only: it has no timer and no closure. Ended rows stay until `purge`, for questions about
 * the past. Engines of one process that share an instance see the same rows.
 */
export class MemoryGrantStore implements GrantStore {
  readonly durability = 'memory';
  readonly namespace: string;
  /** `undefined` as long as no read of this handle has found a commit. */
  #found: NamespaceState | undefined;
  #spaces: Namespaces;

  /**
   * Keeps all rows in the memory of this process. Another process sees none of them: use a store over SQL or Redis there.
   *
   * @param options.namespace the namespace that the store serves. Default: `'default'`
   */
  constructor(options: { readonly namespace?: string | undefined } = {}) {
    const { namespace = 'default' } = readOptions('options', options, ['namespace']);
    this.namespace = readId('namespace', namespace);
    // Not where the field is declared: a class that names itself there stays in a bundle that does not use it.
    this.#spaces = new Namespaces(Reflect.get(MemoryGrantStore.prototype, 'windowOf'));
  }

  in(namespace: string): MemoryGrantStore {
    // `namespace` is parsed here too: `undefined` would select the constructor's default, which is another caller's
    // namespace.
    const other = new MemoryGrantStore({ namespace: readId('namespace', namespace) });
    other.#spaces = this.#spaces;
    return other;
  }

  get #space(): NamespaceState {
    return this.#found ?? (this.#found = this.#spaces.of(this.namespace)) ?? this.#spaces.empty;
  }

  async get(keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]> {
    return keys.map((key) => this.#space.get(key));
  }

  live(query: LiveQuery): readonly Row[] {
    return (this.#found ?? this.#space).live.find(query.subject, query.scope, query.at);
  }

  windowOf(subject: string, scope: string): GrantWindow | undefined {
    return (this.#found ?? this.#space).live.windowOf(subject, scope);
  }

  async find(query: FindQuery): Promise<Page<Row>> {
    return this.#space.find(query);
  }

  async context(query: ContextQuery): Promise<StoreContext> {
    return contextOf(this.#space, query);
  }

  async due(query: DueQuery): Promise<Page<Row>> {
    return this.#space.due(query);
  }

  async commit(change: Change): Promise<CommitAnswer> {
    refuseLargeChange(change);
    this.#refuseIfMoved();
    return this.#spaces.commit(this.namespace, change);
  }

  async journal(query: JournalQuery): Promise<JournalSlice> {
    this.#refuseIfMoved();
    return this.#space.journal(query.after, query.limit);
  }

  watch(wake: (headSeq?: number) => void): Unsubscribe {
    return this.#spaces.watchers.add(this.namespace, wake);
  }

  async heads(namespaces: readonly string[]): Promise<readonly (Anchor | undefined)[]> {
    return readHeadsQuery(namespaces).map((name) => this.#spaces.headOf(name));
  }

  async dueNamespaces(query: DueNamespacesQuery): Promise<Page<string>> {
    return this.#spaces.due(readDueNamespacesQuery(query));
  }

  async adopt(part: NamespacePart): Promise<void> {
    refusePart(this.namespace, part);
    this.#spaces.adopt(this.namespace, part);
  }

  /** @throws MovedError */
  #refuseIfMoved(): void {
    const { mark } = this.#space;
    if (mark !== undefined) throw movedError(this.namespace, mark);
  }
}
