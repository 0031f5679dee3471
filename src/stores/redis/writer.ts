import { LayoutError, OutcomeUnknownError, StoreError } from '../../core/errors.js';
import { readCount } from '../../core/parse.js';
import { GENESIS, link } from '../../journal/link.js';
import type { Change, CommitAnswer, Expectation, Row } from '../../core/store-port.js';
import { CREATED_AT_CHANGED, type Anchor, type UnlinkedEntry } from '../../records/index.js';
import { Stopwatch } from '../../core/stopwatch.js';
import { systemClock } from '../../core/clock.js';
import { AskError, isFull, storeErrorOf } from './ask-error.js';
import { COMMIT_SCRIPT, DROP_SCRIPT, ENDING_COMMIT_SCRIPT } from './commit-script.js';
import { Script, type Connection } from './connection.js';
import { encodeEntry, encodeUnlinked } from './entry-text.js';
import { scriptKeys, type Keys } from './keys.js';
import { encodeRow, fieldOf } from './row-text.js';
import { encodeText } from './text.js';

const COMMIT = new Script(COMMIT_SCRIPT);
const ENDING_COMMIT = new Script(ENDING_COMMIT_SCRIPT);
const DROP = new Script(DROP_SCRIPT);
/** The greatest number of changes in a batch: a script blocks all other clients, so a long queue is sent as several scripts. */
const MAX_BATCH = 64;
/** The greatest length of a batch, in UTF-16 code units. A larger change is a batch of its own. */
const MAX_BATCH_LENGTH = 512 * 1024;

/** A change in the queue. It is encoded at the call, because the caller may change its objects afterwards. */
interface Waiting {
  readonly id: string;
  /** The arguments of the script for this change, up to its entries: an entry is linked only when the change is sent. */
  readonly operands: readonly string[];
  readonly append: readonly UnlinkedEntry[];
  readonly unlinked: readonly string[];
  readonly trimTo: number;
  /** The layout that the change needs, 0 for every one. */
  readonly needs: number;
  /**
   * Whether the change is also accepted when memory is full. Such a change removes rows, trims the journal, writes rows without
   * adding one (see {@link isAdded}), or is empty.
   */
  readonly isEnding: boolean;
  readonly length: number;
  /** Measures the time since the call. It limits how long the change is sent again because other processes moved the head. */
  readonly watch: Stopwatch;
  readonly resolve: (answer: CommitAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Commits to one namespace, for all its handles in this process. Changes that arrive while a batch is in flight form the
 * next batch; each change is checked on its own.
 *
 * If several processes link to the same head, one wins. The others receive the new head, link their changes to it, and send
 * them again.
 */
export class Writer {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #onAppend: (headSeq: number) => void;
  #waiting: Waiting[] = [];
  #running = false;
  /** The newest head seen. It may be stale: the script checks it. */
  #head: Anchor = GENESIS;

  constructor(connection: Connection, keys: Keys, onAppend: (headSeq: number) => void) {
    this.#connection = connection;
    this.#keys = keys;
    this.#onAppend = onAppend;
  }

  /** Whether it has seen an entry of the journal. */
  get hasHead(): boolean {
    return this.#head.seq > 0;
  }

  async commit(change: Change): Promise<CommitAnswer> {
    const prepared = prepare(change);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...prepared, watch: new Stopwatch(systemClock), resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Commits from one turn of the event loop share a batch.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      this.#waiting.unshift(...(await this.#send(batch)));
    }
    this.#running = false;
  }

  #takeBatch(): readonly Waiting[] {
    let length = 0;
    let count = 0;
    for (const { length: own } of this.#waiting) {
      if (count === MAX_BATCH || (count > 0 && length + own > MAX_BATCH_LENGTH)) break;
      length += own;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  /** Sends a batch and returns the changes that must be sent again. Never throws: each change gets its own outcome. */
  async #send(batch: readonly Waiting[]): Promise<readonly Waiting[]> {
    const args: string[] = [this.#keys.channel];
    let base = this.#head;
    const sent = batch.filter((change) => {
      try {
        const linked = link(base, change.append);
        const last = linked.at(-1) ?? base;
        const entries = linked.map((entry, i) => encodeEntry(change.unlinked[i] as string, entry));
        args.push(...change.operands, String(entries.length), ...entries, String(base.seq), base.hash, last.hash, String(change.trimTo));
        base = { seq: last.seq, hash: last.hash };
        return true;
      } catch (error) {
        change.reject(error);
        return false;
      }
    });
    if (sent.length === 0) return [];
    try {
      const script = sent.every(({ isEnding }) => isEnding) ? ENDING_COMMIT : COMMIT;
      return this.#settle(sent, await this.#connection.runReplicated(script, scriptKeys(this.#keys), args, (reply) => this.#learn(reply)));
    } catch (error) {
      const ending = sent.filter(({ isEnding }) => isEnding);
      if (isFull(error) && ending.length > 0 && ending.length < sent.length) {
        // Only the other changes are refused, so that they do not block a revoke.
        for (const change of sent) if (!change.isEnding) fail(change, error);
        return this.#send(ending);
      }
      for (const change of sent) fail(change, error);
      return [];
    }
  }

  /**
   * Stores the head of a reply, even if the replicas then take too long. Otherwise every later change would be linked to the
   * old head, and none would be applied until the replicas are back.
   *
   * @returns whether to wait for the replicas: a change that was 'moved' wrote nothing
   */
  #learn([seq, hash, ...outcomes]: readonly unknown[]): boolean {
    const before = this.#head.seq;
    this.#head = { seq: Number(seq), hash: String(hash) };
    if (this.#head.seq > before) this.#onAppend(this.#head.seq);
    return outcomes.some((outcome) => outcome !== 'moved');
  }

  #settle(sent: readonly Waiting[], [seq, hash, ...outcomes]: readonly unknown[]): readonly Waiting[] {
    return sent.filter((change, i) => {
      const outcome = outcomes[i];
      const head = { seq: Number(seq), hash: String(hash) };
      if (outcome === 'committed' && change.trimTo > 0) void this.#drop().then(() => change.resolve({ outcome, head }));
      else if (outcome === 'committed' || outcome === 'conflict' || outcome === 'behind') change.resolve({ outcome, head });
      else if (outcome !== 'moved') change.reject(refusalOf(String(outcome), change.needs));
      else if (change.watch.ms < this.#connection.timeoutMs) return true;
      else
        change.reject(
          new StoreError(
            'commit',
            `other commits moved the head of the journal for ${this.#connection.timeoutMs} ms; this change was not written`,
          ),
        );
      return false;
    });
  }

  /**
   * Deletes trimmed entries in steps, so that the server answers other clients in between (L42). The trim itself is already
   * committed. If a step fails or the process ends, later commits continue.
   */
  async #drop(): Promise<void> {
    const { head, journal, changes } = this.#keys;
    try {
      while (Number((await this.#connection.run(DROP, [head, journal, changes], []))[0]) > 0);
    } catch {
      // The outcome of the commit is known and does not depend on this.
    }
  }
}

/** Rejects one attempt. If the reply was lost, the engine commits the same change again, and the script recognises its id. */
function fail({ id, reject }: Waiting, error: unknown): void {
  const isNotApplied = error instanceof AskError && error.applied === 'no';
  reject(isNotApplied ? storeErrorOf('commit', error) : new OutcomeUnknownError(id, error));
}

const REFUSALS: Readonly<Record<string, string>> = {
  recreated: CREATED_AT_CHANGED,
  beyond: 'trimJournalTo is greater than the head; nothing was written',
  malformed: 'a row or entry that the change relies on is malformed, or of another version; nothing was written',
};

function refusalOf(outcome: string, needs: number): StoreError | LayoutError {
  const [, version, readableFrom] = /^unreadable (\d+) (\d+)$/.exec(outcome) ?? [];
  if (version !== undefined) return new LayoutError(Number(version), Number(readableFrom), needs);
  return new StoreError('commit', REFUSALS[outcome] ?? `the commit script returned ${outcome}`);
}

/** @throws InvalidArgumentError when the change is malformed; nothing was sent */
function prepare(change: Change): Omit<Waiting, 'watch' | 'resolve' | 'reject'> {
  const { id, expect, put, append, remove = [], trimJournalTo = 0, knows = GENESIS, needs = 0 } = change;
  const operands = [
    encodeText(id),
    String(readCount('knows.seq', knows.seq, 0)),
    knows.hash,
    String(readCount('needs', needs, 0)),
    ...counted(expect.map((key) => [fieldOf(key), String(key.version)])),
    ...counted(remove.map((key) => [fieldOf(key)])),
    ...counted(put.map((row) => [fieldOf(row), encodeRow(row)])),
  ];
  const unlinked = append.map(encodeUnlinked);
  const length = [...operands, ...unlinked].reduce((sum, text) => sum + text.length, 0);
  return {
    id,
    operands,
    append: append.map((entry) => ({ ...entry })),
    unlinked,
    needs,
    trimTo: readCount('trimJournalTo', trimJournalTo, 0),
    // An empty change confirms earlier commits, also those that end access, so it must be accepted when memory is full.
    isEnding: remove.length > 0 || trimJournalTo > 0 || (put.length > 0 ? !put.some((row) => isAdded(row, expect)) : append.length === 0),
    length,
  };
}

/**
 * Whether a row is new and of a kind whose number grows with callers' requests. A new row need not have version 1: one change may
 * make a request and decide it. Rows without a subject (cursors, horizons,
 * leases) do not count. Rows with a subject and a scope, but without `until`, do not count either: they are work for external
 * systems, which a revoke also creates.
 */
const isAdded = ({ kind, id, subject, scope, until }: Row, expect: readonly Expectation[]): boolean =>
  subject !== undefined &&
  (scope === undefined || until !== undefined) &&
  expect.some((key) => key.version === 0 && key.kind === kind && key.id === id);

const counted = (items: readonly (readonly string[])[]): string[] => [String(items.length), ...items.flat()];
