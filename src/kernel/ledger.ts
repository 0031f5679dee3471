import { ConflictError, CorruptError, isJitError, NotFoundError, StoreError } from '../core/errors.js';
import { digestOfEntry } from '../journal/link.js';
import { askLive, askPage, askStore, isPageAfter } from '../journal/store-reads.js';
import { grantIds } from '../lifecycle/grant.js';
import type { GrantUse } from '../lifecycle/status.js';
import type { EntryDraft, Transition, Writes } from '../lifecycle/transition.js';
import type { MaybePromise, Page, SinkContext } from '../core/ports.js';
import type { Change, CommitAnswer, DueQuery, FindQuery, GrantStore, JournalSlice, LiveQuery, Row, RowKey } from '../core/store-port.js';
import {
  agentOf,
  decodeGrant,
  decodeRequest,
  decodeSubject,
  decodeUse,
  encode,
  hasUsageRow,
  isObject,
  toJson,
  type AccessRequest,
  type Grant,
  type Subject,
  type Use,
} from '../records/index.js';
import { nextTurn, yieldToOthers, type TurnBudget } from '../core/time.js';
import type { CommitHooks } from './commit-hooks.js';
import type { DecodeAll } from './enforcement.js';
import { withUsage } from './grant-use.js';
import { newId } from './ids.js';
import type { JournalClock } from './journal-clock.js';
import type { JournalReader } from './journal-reader.js';
import type { RollbackAcceptance, RollbackGuard } from './rollback.js';

/** After this many lost races in a row a verb gives up. A race has a winner, so n racers need at most n tries each. */
const MAX_TRIES = 256;

/** What is to be committed, before it has an id. */
export interface ChangeDraft extends Omit<Change, 'id' | 'append'> {
  readonly entries?: readonly EntryDraft[];
  /** It creates access: refused while a rollback of the store is not accepted (L40). Default: false. */
  readonly creates?: boolean;
}

/** The engine's hold on its store: records in, steps out, and what to do when it answers badly. */
export class Ledger {
  readonly store: GrantStore;
  readonly #decodeAll: DecodeAll;
  readonly #hooks: CommitHooks;
  readonly #onAppend: () => void;
  readonly #rollback: RollbackGuard;
  readonly #journal: JournalReader;
  readonly #journalClock: JournalClock;

  /**
   * @param journalClock compares the engine's clock with the journal before access is created
   * @param rollback commits, and notices a store that went back
   * @param hooks run before the first commit
   * @param onAppend called after each commit that appended to the journal
   */
  constructor(
    journal: JournalReader,
    journalClock: JournalClock,
    rollback: RollbackGuard,
    decodeAll: DecodeAll,
    hooks: CommitHooks,
    onAppend: () => void,
  ) {
    this.store = journal.store;
    this.#journal = journal;
    this.#journalClock = journalClock;
    this.#decodeAll = decodeAll;
    this.#hooks = hooks;
    this.#onAppend = onAppend;
    this.#rollback = rollback;
  }

  /** The rows that may allow; at once where the store can. */
  live(query: LiveQuery): MaybePromise<readonly Row[]> {
    return askLive(this.store, query);
  }

  find(query: FindQuery): MaybePromise<Page<Row>> {
    return askPage(this.store, query);
  }

  due(query: DueQuery): MaybePromise<Page<Row>> {
    return askStore('due', () => this.store.due(query), isPageAfter(query.after));
  }

  /** See {@link JournalReader.read}. */
  journal(after?: number, limit?: number): MaybePromise<JournalSlice> {
    return this.#journal.read(after, limit);
  }

  async rows(keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]> {
    if (keys.length === 0) return [];
    const areTheirs = (rows: unknown) =>
      Array.isArray(rows) &&
      rows.length === keys.length &&
      keys.every(
        ({ kind, id }, i) => rows[i] === undefined || (isObject(rows[i]) && (rows[i] as Row).kind === kind && (rows[i] as Row).id === id),
      );
    return askStore<readonly (Row | undefined)[]>('get', () => this.store.get(keys), areTheirs);
  }

  async row(kind: string, id: string): Promise<Row | undefined> {
    return (await this.rows([{ kind, id }]))[0];
  }

  async request(id: string): Promise<AccessRequest> {
    return decodeRequest(found('request', id, await this.row('request', id)));
  }

  /** On whose behalf a run's grant was asked for; `undefined`: it is not a run's, or the run has no operator. */
  async operatorOf({ subject, requestId }: Grant): Promise<string | undefined> {
    return agentOf(subject) === undefined ? undefined : (await this.request(requestId)).operator;
  }

  /** A grant, with how it has been used. */
  async held(id: string): Promise<GrantUse> {
    const [grant, usage] = await this.rows([
      { kind: 'grant', id },
      { kind: 'usage', id },
    ]);
    return withUsage(decodeGrant(found('grant', id, grant)), usage, this.#decodeAll);
  }

  /**
   * Those of these grants that are there and can be read, each with how it has been used.
   *
   * @param onUnreadable called for each grant that is there and can not be read; default: it is reported to `onError`
   */
  async grantsWithUsage(ids: readonly string[], onUnreadable?: (row: Row, error: unknown) => void): Promise<readonly GrantUse[]> {
    const rows = (await this.rows(ids.map((id) => ({ kind: 'grant', id })))).filter((row) => row !== undefined);
    const grants = onUnreadable === undefined ? this.#decodeAll(rows, decodeGrant) : decodeEach(rows, decodeGrant, onUnreadable);
    const counted = grants.filter(hasUsageRow).map(({ id }) => ({ kind: 'usage', id }));
    const usages = new Map((await this.rows(counted)).map((row) => [row?.id, row]));
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

  /** The grants of a request: all of them, or none while it has none. */
  async grantsOf(request: AccessRequest): Promise<readonly Grant[]> {
    if (request.end?.status !== 'approved') return [];
    const rows = await this.rows(grantIds(request).map((id) => ({ kind: 'grant', id })));
    if (rows.every((row) => row !== undefined)) return rows.map(decodeGrant);
    // A purge takes a request and its grants in one commit: it may have come between the two reads.
    await this.request(request.id);
    throw new CorruptError('request', request.id, 'is approved but lacks a grant');
  }

  /** The grants of an approved request, each with how it has been used. */
  async heldOf(request: AccessRequest): Promise<readonly GrantUse[]> {
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

  /** Passed to sinks. A property and no method: a sink may call it without the object. */
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
   * Rows of a kind, a page of the store at a time, with a turn of the event loop between two pages.
   *
   * @param turns of a longer work that these pages are a part of: it takes the turns
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

  /**
   * Takes a step until it commits: `attempt` loads, asks, reads the clock and applies the rule, anew for each try.
   *
   * @param stubborn for a verb that must never be told "conflict" (revoke): a store that refuses this often is broken
   */
  async run<T>(attempt: () => MaybePromise<Transition<T>>, stubborn = false): Promise<T> {
    let step: Transition<T> | undefined;
    await this.untilCommitted(async () => this.commitTransition((step = await attempt())), stubborn);
    return (step as unknown as Transition<T>).result;
  }

  /**
   * {@link run} for a verb whose answer the caller takes as an acknowledgement. Where nothing was left to write, another call
   * wrote it, and that commit may not be durable yet: the verb then resolves after {@link confirmDurable}.
   */
  async runDurably<T>(attempt: () => MaybePromise<Transition<T>>, stubborn = false): Promise<T> {
    let isWritten = false;
    const watched = async () => {
      const step = await attempt();
      isWritten = step.put.length + step.entries.length > 0;
      return step;
    };
    const result = await this.run(watched, stubborn);
    if (!isWritten) await this.confirmDurable();
    return result;
  }

  /** Tries until one try answers that it has committed. */
  async untilCommitted(attempt: () => Promise<boolean>, stubborn = false): Promise<void> {
    for (let tries = 1; !(await attempt()); tries++) {
      if (tries === (stubborn ? 100 * MAX_TRIES : MAX_TRIES)) {
        throw stubborn ? new StoreError('commit', `answered 'conflict' ${tries} times in a row`) : new ConflictError(tries);
      }
      if (tries % 8 === 0) await yieldToOthers();
    }
  }

  /** Commits a step; whether it won. */
  async commitTransition({ put, entries, dependsOn = [], creates = false }: Writes): Promise<boolean> {
    if (put.length + entries.length === 0) return true;
    if (creates) await this.#journalClock.confirm();
    const expect = [...put.map(({ kind, id, version }) => ({ kind, id, version: version - 1 })), ...dependsOn];
    return this.commit({ expect, put: put.map(encode), entries, creates });
  }

  /**
   * Resolves once everything that this process has read is as safe as a commit. A store may show a commit of another caller
   * before a second server has it: a verb that finds nothing left to end must not acknowledge that end yet (L12). Servers
   * copy commits in order, so the acknowledgement of a later, empty change covers all before it.
   *
   * @throws StoreError, OutcomeUnknownError
   */
  async confirmDurable(): Promise<void> {
    if (this.store.durability !== 'server') return;
    await this.untilCommitted(() => this.commit({ expect: [], put: [] }), true);
  }

  /** Commits, after the hooks have run where the change waits for them; whether it won. */
  async commit(draft: ChangeDraft): Promise<boolean> {
    await this.#hooks.before(draft.entries ?? [], draft.creates === true);
    return this.commitNow(draft);
  }

  /** {@link commit} without the hooks; whether it won. */
  async commitNow({ creates = false, ...draft }: ChangeDraft): Promise<boolean> {
    const change = this.#changeOf(draft);
    return this.#send(change, this.#rollback.commit(change, creates));
  }

  async #send(change: Change, sent: Promise<CommitAnswer>): Promise<boolean> {
    const won = await this.#hooks.sent(change, sent);
    if (won && change.append.length > 0) this.#onAppend();
    return won;
  }

  /** Records that a person accepts the rollback that this engine has noticed (L40). See {@link RollbackGuard.accept}. */
  async acceptRollback(actor: string, reason: string | undefined): Promise<RollbackAcceptance> {
    await this.#hooks.ready();
    let change: Change | undefined;
    const acceptance = await this.#rollback.accept(({ id, at, lost, head, put }) => {
      const data = toJson({ acceptance: id, lost, head, reason });
      const { kind, version } = put;
      const entries = [{ type: 'journal.accepted', at, actor, data }] as const;
      return (change = this.#changeOf({ expect: [{ kind, id: put.id, version: version - 1 }], put: [put], entries }));
    });
    const { accepted, head } = acceptance;
    const answer = { outcome: 'committed', head: { ...head, seq: head.seq + 1 } } as const;
    if (accepted && change !== undefined) await this.#send(change, Promise.resolve(answer));
    return acceptance;
  }

  /** Gives the entries their ids and digests. */
  #changeOf({ entries = [], ...rest }: Omit<ChangeDraft, 'creates'>): Change {
    const id = newId();
    this.#journalClock.wrote(id, entries);
    const append = entries.map((draft, i) => {
      const entry = { v: 1 as const, namespace: this.store.namespace, id: `${id}.${i + 1}`, ...draft };
      return { ...entry, digest: digestOfEntry(entry) };
    });
    return this.#hooks.hold({ id, append, ...rest });
  }
}

/** Decodes rows where one that can not be read must be named to the caller, and hides none of the others. */
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
