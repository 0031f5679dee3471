import { CorruptError, isJitError, NotFoundError } from '../../core/errors.js';
import { askStore, isPageAfter, isPageOfPlaces, isRows } from '../../journal/store-reads.js';
import { grantIds } from '../../lifecycle/grant.js';
import type { GrantUse } from '../../lifecycle/status.js';
import type { MaybePromise, Page, SinkContext } from '../../core/ports.js';
import type { DueQuery, FindQuery, GrantStore, JournalSlice, LiveQuery, Row, RowKey } from '../../core/store-port.js';
import {
  agentOf,
  decodeGrant,
  decodeRequest,
  decodeSubject,
  decodeUse,
  hasUsageRow,
  isObject,
  type AccessRequest,
  type Grant,
  type Subject,
  type Use,
} from '../../records/index.js';
import { hasMore } from '../../records/layout.js';
import { nextTurn, type TurnBudget } from '../../core/turns.js';
import type { DecodeAll } from '../settings/enforcement.js';
import { withUsage } from './grant-use.js';
import type { JournalReader } from './journal-reader.js';

/** Reads rows by key, in the order of the keys. */
export type RowReader = (keys: readonly RowKey[]) => Promise<readonly (Row | undefined)[]>;

/** Reads the engine's store: rows, records and the journal. */
export class LedgerReads {
  readonly store: GrantStore;
  readonly #decodeAll: DecodeAll;
  readonly #journal: JournalReader;

  /** Whether a verb has read a row with silent fields, which its commit must keep. */
  protected readsMore = false;

  constructor(journal: JournalReader, decodeAll: DecodeAll) {
    this.store = journal.store;
    this.#journal = journal;
    this.#decodeAll = decodeAll;
  }

  /** The rows that may allow access. Not a promise if the store answers at once. */
  live(query: LiveQuery): MaybePromise<readonly Row[]> {
    return askStore(
      'live',
      () => this.store.live(query),
      (rows) => isRows(rows) && this.noted(rows as readonly Row[]),
    );
  }

  find(query: FindQuery): MaybePromise<Page<Row>> {
    const isPage = isPageOfPlaces(query.after);
    return askStore(
      'find',
      () => this.store.find(query),
      (page) => isPage(page) && this.noted((page as Page<Row>).items),
    );
  }

  due(query: DueQuery): MaybePromise<Page<Row>> {
    const isPage = isPageAfter(query.after);
    return askStore(
      'due',
      () => this.store.due(query),
      (page) => isPage(page) && this.noted((page as Page<Row>).items),
    );
  }

  /** Notes whether rows have silent fields. Every read by which a verb decides calls it. @returns true */
  noted(rows: readonly (Row | undefined)[]): true {
    this.readsMore ||= rows.some(hasMore);
    return true;
  }

  /** See {@link JournalReader.read}. */
  journal(after?: number, limit?: number): MaybePromise<JournalSlice> {
    return this.#journal.read(after, limit);
  }

  async rows(keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]> {
    if (keys.length === 0) return [];
    const isAnswer = (rows: unknown) =>
      Array.isArray(rows) &&
      rows.length === keys.length &&
      keys.every(
        ({ kind, id }, i) => rows[i] === undefined || (isObject(rows[i]) && (rows[i] as Row).kind === kind && (rows[i] as Row).id === id),
      );
    return askStore<readonly (Row | undefined)[]>(
      'get',
      () => this.store.get(keys),
      (rows) => isAnswer(rows) && this.noted(rows as readonly (Row | undefined)[]),
    );
  }

  async row(kind: string, id: string): Promise<Row | undefined> {
    return (await this.rows([{ kind, id }]))[0];
  }

  async request(id: string): Promise<AccessRequest> {
    return this.requestOf(id, await this.row('request', id));
  }

  /** {@link request} of a row that was read. @throws NotFoundError, CorruptError */
  requestOf(id: string, row: Row | undefined): AccessRequest {
    return decodeRequest(found('request', id, row));
  }

  /** The operator for whom the grant of a run was requested. `undefined`: the grant belongs to no run, or the run has no operator. */
  async operatorOf({ subject, requestId }: Grant): Promise<string | undefined> {
    return agentOf(subject) === undefined ? undefined : (await this.request(requestId)).operator;
  }

  /** A grant with its usage, see {@link withUsage}. @throws NotFoundError, CorruptError, StoreError */
  async grantUse(id: string): Promise<GrantUse> {
    const rows = await this.rows([
      { kind: 'grant', id },
      { kind: 'usage', id },
    ]);
    return this.grantUseOf(id, rows);
  }

  /** {@link grantUse} of the rows with both keys. */
  grantUseOf(id: string, [grant, usage]: readonly (Row | undefined)[]): GrantUse {
    return withUsage(decodeGrant(found('grant', id, grant)), usage, this.#decodeAll);
  }

  /**
   * The grants with these ids, each with its usage, without those that are missing or unreadable.
   *
   * @param onUnreadable called for each unreadable grant; default: the engine reports it to `onError`
   */
  async grantsWithUsage(ids: readonly string[], onUnreadable?: (row: Row, error: unknown) => void): Promise<readonly GrantUse[]> {
    const rows = (await this.rows(ids.map((id) => ({ kind: 'grant', id })))).filter((row) => row !== undefined);
    const grants = onUnreadable === undefined ? this.#decodeAll(rows, decodeGrant) : decodeEach(rows, decodeGrant, onUnreadable);
    const keys = grants.filter(hasUsageRow).map(({ id }) => ({ kind: 'usage', id }));
    const usages = new Map((await this.rows(keys)).map((row) => [row?.id, row]));
    return grants.map((grant) => withUsage(grant, usages.get(grant.id), this.#decodeAll));
  }

  async subject(id: string): Promise<Subject | undefined> {
    const row = await this.row('subject', id);
    return row && decodeSubject(row);
  }

  async use(id: string): Promise<Use | undefined> {
    const row = await this.row('use', id);
    return row && decodeUse(row);
  }

  /** All grants of a request; none while it is not approved. */
  async grantsOf(request: AccessRequest, read: RowReader = (keys) => this.rows(keys)): Promise<readonly Grant[]> {
    if (request.end?.status !== 'approved') return [];
    const rows = await read(grantIds(request).map((id) => ({ kind: 'grant', id })));
    if (rows.every((row) => row !== undefined)) return rows.map(decodeGrant);
    // A purge deletes a request and its grants in one commit, which may have happened between the two reads.
    await this.request(request.id);
    throw new CorruptError('request', request.id, 'is approved but lacks a grant');
  }

  /** The grants of an approved request, each with its usage. */
  async grantUsesOf(request: AccessRequest): Promise<readonly GrantUse[]> {
    const grants = await this.grantsOf(request);
    const usages = await this.rows(grants.filter(hasUsageRow).map(({ id }) => ({ kind: 'usage', id })));
    return grants.map((grant) =>
      withUsage(
        grant,
        usages.find((row) => row?.id === grant.id),
        this.#decodeAll,
      ),
    );
  }

  /**
   * Looks up a request with its grants. For sinks, the followers wrap it and report an unreadable record instead of throwing. Its
   * function needs no `this`, so that it may be called detached.
   */
  readonly sinkContext: SinkContext = Object.freeze({
    request: async (id: string) => {
      try {
        const request = await this.request(id);
        return { request, grants: await this.grantsOf(request) };
      } catch (error) {
        if (isJitError(error) && error.code === 'ERR_JIT_NOT_FOUND') return undefined;
        throw error;
      }
    },
  });

  /**
   * Rows of a kind, one page of the store at a time, with a turn of the event loop between two pages.
   *
   * @param turns the budget of longer work that reads these pages; it then decides when to take a turn
   */
  async *pages(query: Omit<FindQuery, 'after' | 'limit'>, after?: string, limit = 100, turns?: TurnBudget): AsyncGenerator<readonly Row[]> {
    for (;;) {
      await turns?.spend(limit);
      const page = await this.find({ ...query, after, limit });
      yield page.items;
      if (page.next === undefined) return;
      after = page.next;
      if (turns === undefined) await nextTurn();
    }
  }
}

/** Decodes rows, and reports each unreadable row to the caller. It still returns the others. */
export const decodeEach = <T>(rows: readonly Row[], decode: (row: Row) => T, onUnreadable: (row: Row, error: unknown) => void): T[] =>
  rows.flatMap((row) => {
    try {
      return [decode(row)];
    } catch (error) {
      onUnreadable(row, error);
      return [];
    }
  });

function found(kind: 'request' | 'grant', id: string, row: Row | undefined): Row {
  if (row === undefined) throw new NotFoundError(kind, id);
  return row;
}
