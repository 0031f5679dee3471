import { ConflictError, StoreError } from '../../core/errors.js';
import { digestOfEntry } from '../../journal/link.js';
import type { EntryDraft, Writes } from '../../lifecycle/transition.js';
import type { MaybePromise } from '../../core/ports.js';
import type { Change, CommitAnswer } from '../../core/store-port.js';
import { encode, toJson, type UnlinkedEntry } from '../../records/index.js';
import { neededLayout, withMore } from '../../records/layout.js';
import { yieldToOthers } from '../../core/turns.js';
import type { CommitHooks } from './commit-hooks.js';
import type { DecodeAll } from '../settings/enforcement.js';
import { refuseAnswered, type CallLimit } from '../call-limit.js';
import { newId } from './ids.js';
import type { JournalClock } from './journal-clock.js';
import type { JournalReader } from './journal-reader.js';
import { LedgerReads } from './ledger-reads.js';
import type { Resend } from './resend.js';
import type { RollbackAcceptance, RollbackGuard } from './rollback.js';

/** A verb gives up after this many conflicts in a row. Each conflict has a winner, so n callers need at most n tries each. */
const MAX_TRIES = 256;

/** A change of rows that no rule of the lifecycle writes, such as bookmarks. It is sent even if it is empty. */
export interface ChangeDraft extends Omit<Change, 'id' | 'append'> {
  readonly entries?: readonly EntryDraft[];
  /** Only a rule's writes may create access. */
  readonly creates?: never;
}

/**
 * Loads the context, asks the approver, reads the clock and applies the rule. Returns what to commit, and the result if that succeeds.
 * `undefined`: another caller's commit was first.
 */
export type Attempt<T> = () => MaybePromise<((Writes | ChangeDraft) & { readonly result: T }) | undefined>;

/** How {@link Ledger.run} tries. */
export interface RunOptions {
  /** For a verb that must never throw `ConflictError` (revoke): it gives up only after so many that the store must be broken. */
  readonly retriesLonger?: boolean | undefined;
  /**
   * For a verb whose result the caller takes as an acknowledgement. A try that writes nothing finds that an earlier call has done the
   * work, and that call's commit may not be durable yet. So the run resolves after {@link Ledger.confirmDurable}.
   */
  readonly durably?: boolean | undefined;
  /** The call of a client for which it tries: it commits nothing once that call was answered. */
  readonly limit?: CallLimit | undefined;
  /** Called after each try, when its commit was answered or it has failed. */
  readonly onTried?: (() => void) | undefined;
}

/**
 * The outcome of a transition that did not conflict.
 * - `nothing`: it writes nothing.
 * - `answered`: the store answered the first attempt, so the rows of the commit are the state.
 * - `resent`: it was sent more than once. Other commits may have followed the one that applied it, so the caller reads again.
 */
export type Sent = 'nothing' | 'answered' | 'resent';

/** The result of a transition that did not conflict. */
export interface Committed<T> {
  readonly result: T;
  readonly sent: Sent;
}

/** Commits transitions to the engine's store, and tries again if another caller's commit was first. */
export class Ledger extends LedgerReads {
  readonly #hooks: CommitHooks;
  readonly #onAppend: (entries: readonly UnlinkedEntry[]) => void;
  readonly #rollback: RollbackGuard;
  readonly #resent: Resend['resent'];
  readonly #journalClock: JournalClock;

  /**
   * @param journalClock compares the engine's clock with the journal before access is created
   * @param rollback commits, and detects a store that went back
   * @param resend its `resent` has the changes that were sent more than once
   * @param hooks run before the first commit
   * @param onAppend called after each commit that appended to the journal
   */
  constructor(
    journal: JournalReader,
    journalClock: JournalClock,
    rollback: RollbackGuard,
    { resent }: Pick<Resend, 'resent'>,
    decodeAll: DecodeAll,
    hooks: CommitHooks,
    onAppend: (entries: readonly UnlinkedEntry[]) => void,
  ) {
    super(journal, decodeAll);
    this.#journalClock = journalClock;
    this.#hooks = hooks;
    this.#onAppend = onAppend;
    this.#rollback = rollback;
    this.#resent = resent;
  }

  /**
   * Tries until an attempt commits.
   *
   * @throws ConflictError or, for `retriesLonger`, StoreError after too many conflicts
   */
  async run<T>(attempt: Attempt<T>, options?: RunOptions): Promise<T> {
    return (await this.runSent(attempt, options)).result;
  }

  /** {@link run}, which also returns whether the rows of the commit are the state. */
  async runSent<T>(attempt: Attempt<T>, options: RunOptions = {}): Promise<Committed<T>> {
    const { retriesLonger = false, durably = false } = options;
    for (let tries = 1; ; tries++) {
      const committed = await this.#try(attempt, options);
      if (committed !== undefined) {
        if (durably && committed.sent === 'nothing') await this.confirmDurable();
        return committed;
      }
      if (tries === (retriesLonger ? 100 * MAX_TRIES : MAX_TRIES)) {
        throw retriesLonger ? new StoreError('commit', `answered 'conflict' ${tries} times in a row`) : new ConflictError(tries);
      }
      if (tries % 8 === 0) await yieldToOthers();
    }
  }

  async #try<T>(attempt: Attempt<T>, { limit, onTried }: RunOptions): Promise<Committed<T> | undefined> {
    try {
      const attempted = await attempt();
      if (attempted === undefined) return undefined;
      const { result, ...step } = attempted;
      const sent = await this.#send(step, limit);
      return sent && { result, sent };
    } finally {
      onTried?.();
    }
  }

  /** Tries once. @returns false: another caller's commit was first. True also if the transition writes nothing */
  async commit(step: Writes | ChangeDraft, limit?: CallLimit): Promise<boolean> {
    return (await this.#send(step, limit)) !== undefined;
  }

  /**
   * Resolves once everything that this process has read is durable. A store may show another caller's commit before a second
   * server has it. A verb that finds nothing left to end must not acknowledge that end yet (L12). Servers copy commits in
   * order, so the acknowledgement of a later, empty change covers all earlier commits.
   *
   * @throws StoreError, OutcomeUnknownError
   */
  async confirmDurable(): Promise<void> {
    if (this.store.durability === 'server') await this.run(() => ({ expect: [], put: [], result: undefined }), { retriesLonger: true });
  }

  /** @returns `undefined`: another caller's commit was first */
  async #send(step: Writes | ChangeDraft, limit: CallLimit | undefined): Promise<Sent | undefined> {
    const { entries = [], creates = false } = step;
    if (!('expect' in step) && step.put.length + entries.length === 0) return 'nothing';
    if (creates) await this.#journalClock.confirm();
    const draft = 'expect' in step ? step : draftOf(step);
    await this.#hooks.before(entries, creates);
    refuseAnswered(limit);
    const change = this.#changeOf(this.readsMore ? { ...draft, put: await this.#withMore(draft.put) } : draft);
    if (!(await this.#sent(change, this.#rollback.commit(change, creates)))) return undefined;
    return this.#resent.has(change.append) ? 'resent' : 'answered';
  }

  /** The rows to put, with their silent fields. A row that changes in between has another version, so that the commit conflicts. */
  async #withMore(put: Change['put']): Promise<Change['put']> {
    const before = await this.rows(put.map(({ kind, id }) => ({ kind, id })));
    return put.map((row, i) => withMore(row, before[i]));
  }

  async #sent(change: Change, sent: Promise<CommitAnswer>): Promise<boolean> {
    const won = await this.#hooks.sent(change, sent);
    if (won && change.append.length > 0) this.#onAppend(change.append);
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
    if (accepted && change !== undefined) await this.#sent(change, Promise.resolve(answer));
    return acceptance;
  }

  /** Makes the change that is sent: with a new id, with ids and digests for its entries, and with a hold row if it needs one. */
  #changeOf({ entries = [], ...rest }: ChangeDraft): Change {
    const id = newId();
    this.#journalClock.wrote(id, entries);
    const append = entries.map((draft, i) => {
      const entry = { v: 1 as const, namespace: this.store.namespace, id: `${id}.${i + 1}`, ...draft };
      return { ...entry, digest: digestOfEntry(entry) };
    });
    const needs = neededLayout({ put: rest.put, append });
    return this.#hooks.hold({ id, append, ...rest, ...(needs === undefined ? {} : { needs }) });
  }
}

function draftOf({ put, twice = [], entries, dependsOn = [] }: Writes): ChangeDraft {
  const before = put.map((record) => ({ kind: record.kind, id: record.id, version: record.version - (twice.includes(record) ? 2 : 1) }));
  // Several starts in one change depend on the same row of locks.
  const read = dependsOn.filter(
    (one, i) => i === dependsOn.findIndex(({ kind, id, version }) => kind === one.kind && id === one.id && version === one.version),
  );
  return { expect: [...before, ...read], put: put.map(encode), entries };
}
