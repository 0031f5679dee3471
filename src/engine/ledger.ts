import { ConflictError, CorruptError, isJitError, NotFoundError, OutcomeUnknownError, StoreError } from '../errors.js';
import { digestOfEntry } from '../journal/link.js';
import { grantIds } from '../lifecycle/grant.js';
import type { EntryDraft, Step } from '../lifecycle/step.js';
import type { Change, CommitOutcome, GrantStore, MaybePromise, Row, RowKey } from '../ports.js';
import { decodeGrant, decodeRequest, encode, type AccessRequest, type Grant, type UnlinkedEntry } from '../records.js';
import { isThenable, yieldToOthers } from '../time.js';
import { newId } from './ids.js';

/** After this many lost races in a row a verb gives up. A race has a winner, so the others of n need at most n tries. */
const MAX_TRIES = 256;

/** The engine's hold on its store: records in, steps out, and what to do when it answers badly. */
export class Ledger {
  readonly store: GrantStore;
  readonly #committed: () => void;

  /** @param committed called after each commit that appended to the journal */
  constructor(store: GrantStore, committed: () => void) {
    this.store = store;
    this.#committed = committed;
  }

  /** Asks the store; whatever it throws becomes a typed error, never an answer (L30). */
  async ask<T>(operation: keyof GrantStore, call: (store: GrantStore) => MaybePromise<T>): Promise<T> {
    try {
      return await call(this.store);
    } catch (error) {
      throw storeFailure(operation, error);
    }
  }

  /** The rows that may allow; at once where the store can. */
  live(query: Parameters<GrantStore['live']>[0]): MaybePromise<readonly Row[]> {
    let rows: MaybePromise<readonly Row[]>;
    try {
      rows = this.store.live(query);
    } catch (error) {
      throw storeFailure('live', error);
    }
    if (!isThenable(rows)) return readRows('live', rows);
    return rows.then(
      (answer) => readRows('live', answer),
      (error: unknown) => {
        throw storeFailure('live', error);
      },
    );
  }

  async rows(keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]> {
    const rows = await this.ask('get', (store) => store.get(keys));
    if (!Array.isArray(rows) || rows.length !== keys.length) throw new StoreError('get', 'did not answer with a row for each key');
    keys.forEach(({ kind, id }, i) => {
      const row = (rows as readonly (Row | undefined)[])[i];
      if (row !== undefined && (row.kind !== kind || row.id !== id)) throw new CorruptError(kind, id, 'came back as another row');
    });
    return rows;
  }

  async request(id: string): Promise<AccessRequest | undefined> {
    const [row] = await this.rows([{ kind: 'request', id }]);
    return row && decodeRequest(row);
  }

  async requestOrThrow(id: string): Promise<AccessRequest> {
    const request = await this.request(id);
    if (request === undefined) throw new NotFoundError('request', id);
    return request;
  }

  async grantOrThrow(id: string): Promise<Grant> {
    const [row] = await this.rows([{ kind: 'grant', id }]);
    if (row === undefined) throw new NotFoundError('grant', id);
    return decodeGrant(row);
  }

  /** The grants of a request: all of them, or none while it has none. */
  async grantsOf(request: AccessRequest): Promise<readonly Grant[]> {
    if (request.end?.status !== 'approved') return [];
    const rows = await this.rows(grantIds(request).map((id) => ({ kind: 'grant', id })));
    return rows.map((row, i) => {
      if (row === undefined) throw new CorruptError('request', request.id, `is approved but has no grant ${i + 1}`);
      return decodeGrant(row);
    });
  }

  /**
   * Takes a step until it commits: `attempt` loads, asks, reads the clock and applies the rule, anew for each try.
   *
   * @param stubborn for a verb that must never be told "conflict" (revoke): a store that refuses this often is broken
   */
  async run<T>(attempt: () => MaybePromise<Step<T>>, stubborn = false): Promise<T> {
    for (let tries = 1; ; tries++) {
      const step = await attempt();
      if (await this.take(step)) return step.result;
      if (tries >= (stubborn ? 100 * MAX_TRIES : MAX_TRIES)) {
        throw stubborn ? new StoreError('commit', `answered 'conflict' ${tries} times in a row`) : new ConflictError(tries);
      }
      if (tries % 8 === 0) await yieldToOthers();
    }
  }

  /** Commits a step; whether it won. */
  async take(step: Step<unknown>): Promise<boolean> {
    if (step.put.length === 0 && step.entries.length === 0) return true;
    const expect = step.put.map(({ kind, id, version }) => ({ kind, id, version: version - 1 }));
    return (await this.commit({ expect, put: step.put.map(encode), entries: step.entries })) === 'committed';
  }

  /** Gives the entries their ids and digests, and commits; a lost reply is resolved by committing the same again (L31). */
  async commit({
    entries = [],
    ...rest
  }: Omit<Change, 'id' | 'append'> & { readonly entries?: readonly EntryDraft[] }): Promise<CommitOutcome> {
    const id = newId();
    const append = entries.map((draft, i): UnlinkedEntry => {
      const entry = {
        v: 1 as const,
        namespace: this.store.namespace,
        id: `${id}.${i + 1}`,
        type: draft.type,
        at: draft.at,
        actor: draft.actor,
        requestId: draft.requestId,
        grantId: draft.grantId,
        data: draft.data,
      };
      return { ...entry, digest: digestOfEntry(entry) };
    });
    const change: Change = { id, append, ...rest };
    let outcome: CommitOutcome;
    try {
      outcome = await this.#commitOnce(change);
    } catch (first) {
      try {
        outcome = await this.#commitOnce(change);
      } catch (second) {
        throw isNotApplied(first) && isNotApplied(second) ? second : new OutcomeUnknownError(id, second);
      }
    }
    if (outcome === 'committed' && append.length > 0) this.#committed();
    return outcome;
  }

  async #commitOnce(change: Change): Promise<CommitOutcome> {
    const outcome: unknown = await this.store.commit(change);
    if (outcome !== 'committed' && outcome !== 'conflict') throw new Error(`store.commit answered ${String(outcome)}`);
    return outcome;
  }
}

function readRows(operation: 'live', rows: unknown): readonly Row[] {
  if (!Array.isArray(rows)) throw new StoreError(operation, 'did not answer with a list of rows');
  return rows as readonly Row[];
}

/** The store says that it could not be asked, so the change is certainly not there. */
const isNotApplied = (error: unknown): boolean => isJitError(error) && error.code === 'ERR_JIT_STORE';

function storeFailure(operation: keyof GrantStore, error: unknown): Error {
  if (isJitError(error)) return error;
  return new StoreError(operation, error instanceof Error ? error.message : 'failed', error);
}
