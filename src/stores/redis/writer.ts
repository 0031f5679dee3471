import { messageOf, OutcomeUnknownError, StoreError } from '../../core/errors.js';
import { readCount } from '../../core/parse.js';
import { GENESIS, link } from '../../journal/link.js';
import type { Change, CommitAnswer, Row } from '../../core/store-port.js';
import { CREATED_AT_CHANGED, type Anchor, type UnlinkedEntry } from '../../records/index.js';
import { Stopwatch } from '../../core/stopwatch.js';
import { systemClock } from '../../core/time.js';
import { AskError, isFull } from './ask-error.js';
import { COMMIT_SCRIPT, DROP_SCRIPT, ENDING_COMMIT_SCRIPT } from './commit-script.js';
import { Script, type Connection } from './connection.js';
import { encodeEntry, encodeUnlinked } from './entry-text.js';
import type { Keys } from './keys.js';
import { encodeRow, fieldOf } from './row-text.js';
import { encodeText } from './text.js';

const COMMIT = new Script(COMMIT_SCRIPT);
const ENDING_COMMIT = new Script(ENDING_COMMIT_SCRIPT);
const DROP = new Script(DROP_SCRIPT);
/** A script holds up everybody else, so what waits goes in several. */
const MAX_BATCH = 64;
const MAX_BATCH_LENGTH = 512 * 1024;

/** A change that waits to be committed: its texts are made when it comes, for its objects are somebody else's. */
interface Waiting {
  readonly id: string;
  /** All of its operands up to its entries. */
  readonly operands: readonly string[];
  readonly append: readonly UnlinkedEntry[];
  readonly unlinked: readonly string[];
  readonly trimTo: number;
  /** It adds nothing, so that it is taken where memory is full, too. */
  readonly isEnding: boolean;
  readonly length: number;
  /** Since it was handed over: it may lose the head to others for so long, and no longer. */
  readonly watch: Stopwatch;
  readonly resolve: (answer: CommitAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Commits to one namespace, for all handles to it in this process. Changes that come while a batch is on its way go
 * together in the next; each is judged on its own. Of processes that link to the same head one wins; the others link
 * again to the head that they are told, and send again.
 */
export class Writer {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #onAppend: (headSeq: number) => void;
  #waiting: Waiting[] = [];
  #running = false;
  /** The newest that was seen; a guess, which the script confirms. */
  #head: Anchor = GENESIS;

  constructor(connection: Connection, keys: Keys, onAppend: (headSeq: number) => void) {
    this.#connection = connection;
    this.#keys = keys;
    this.#onAppend = onAppend;
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
    // What is committed in one turn of the event loop goes in one batch.
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

  /** Sends a batch; those of it that have to be sent again. Never throws: every change is told its own end. */
  async #send(batch: readonly Waiting[]): Promise<readonly Waiting[]> {
    const { head, rows, index, live, journal, changes, channel } = this.#keys;
    const args: string[] = [channel];
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
      const keys = [head, rows, index, live, journal, changes];
      return this.#settle(sent, await this.#connection.runReplicated(script, keys, args, (reply) => this.#learn(reply)));
    } catch (error) {
      const ending = sent.filter(({ isEnding }) => isEnding);
      if (isFull(error) && ending.length > 0 && ending.length < sent.length) {
        // What adds something is refused alone, and holds up no revoke.
        for (const change of sent) if (!change.isEnding) fail(change, error);
        return this.#send(ending);
      }
      for (const change of sent) fail(change, error);
      return [];
    }
  }

  /**
   * Takes the head from a reply, also where the replicas then take too long: a writer that kept the old head would link
   * every later change to it, and none would be applied until the replicas are back.
   *
   * @returns whether any change was judged: one that was 'moved' has left nothing to wait for
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
      else if (outcome !== 'moved') change.reject(new StoreError('commit', REFUSALS[String(outcome)] ?? `answered ${String(outcome)}`));
      else if (change.watch.ms < this.#connection.timeoutMs) return true;
      else change.reject(new StoreError('commit', `others kept the head of the journal for ${this.#connection.timeoutMs} ms`));
      return false;
    });
  }

  /**
   * Deletes what was trimmed, step by step: between two of them the server answers others (L42). The trim itself is
   * committed; where this fails or its process ends, later commits go on with it.
   */
  async #drop(): Promise<void> {
    const { head, journal, changes } = this.#keys;
    try {
      while (Number((await this.#connection.run(DROP, [head, journal, changes], []))[0]) > 0);
    } catch {
      // It holds back no outcome that is known.
    }
  }
}

/** Ends one attempt. Where the reply was lost, the engine commits the same change again, and the script knows its id. */
function fail({ id, reject }: Waiting, error: unknown): void {
  const isNotApplied = error instanceof AskError && error.applied === 'no';
  reject(isNotApplied ? new StoreError('commit', messageOf(error), error) : new OutcomeUnknownError(id, error));
}

const REFUSALS: Readonly<Record<string, string>> = {
  recreated: CREATED_AT_CHANGED,
  beyond: 'trimJournalTo lies behind the head',
  malformed: 'a row or entry that it relies on is not of the form that this version writes; nothing was written',
};

/** @throws InvalidArgumentError where the change is malformed; nothing was sent */
function prepare(change: Change): Pick<Waiting, 'id' | 'operands' | 'append' | 'unlinked' | 'trimTo' | 'isEnding' | 'length'> {
  const { id, expect, put, append, remove = [], trimJournalTo = 0, knows = GENESIS } = change;
  const operands = [
    encodeText(id),
    String(readCount('knows.seq', knows.seq, 0)),
    knows.hash,
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
    trimTo: readCount('trimJournalTo', trimJournalTo, 0),
    // A change that writes nothing confirms the commits before it, those that end access too.
    isEnding: remove.length > 0 || trimJournalTo > 0 || (put.length > 0 ? !put.some(isAdded) : append.length === 0),
    length,
  };
}

/**
 * Whether a row is new and of a kind that only grows in number by what callers ask for: all but rows that belong to no
 * subject (cursors, horizons, leases) and rows about a subject's scope without a window (work for external systems, which
 * an end causes too).
 */
const isAdded = ({ version, subject, scope, until }: Row): boolean =>
  version === 1 && subject !== undefined && (scope === undefined || until !== undefined);

const counted = (items: readonly (readonly string[])[]): string[] => [String(items.length), ...items.flat()];
