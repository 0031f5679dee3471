import { MAX_CHANGE, readChangeSize, refuseLargeChange } from '../../core/change-size.js';
import { isJitError, OutcomeUnknownError, StoreError } from '../../core/errors.js';
import { refuseLayout } from '../../core/layout.js';
import { movedError } from '../../core/namespace-part.js';
import { readCount, readOptions, readPort, utf8Length } from '../../core/parse.js';
import type { Change, ChangeSize, CommitAnswer, Row } from '../../core/store-port.js';
import { callAfter } from '../../core/timers.js';
import { TurnBudget } from '../../core/turns.js';
import { FrozenRow } from '../../records/index.js';
import { Batch, prepare } from '../batch.js';
import { TimeLimit } from '../time-limit.js';
import type { BackendState, SerialBackend } from './backend.js';
import { Queue, type Call } from './queue.js';
import { keyOf, Reading, rowKeyOf } from './reading.js';

/** The options of {@link serialCommits}. */
export interface SerialCommitsOptions {
  /** How long one call may take, or up to a quarter longer: milliseconds, 1 to 600,000. Default: 5,000. */
  readonly timeoutMs?: number | undefined;
  /** The `maxChange` of the store: no change and no write is larger. Default: the greatest size that an engine sends. */
  readonly maxChange?: ChangeSize | undefined;
}

/** Commits a change to a namespace, as a store's `commit` must. */
export type SerialCommit = (namespace: string, change: Change) => Promise<CommitAnswer>;

/**
 * Makes the `commit` of a store whose backend has a compare-and-set, and needs no locks. Changes that arrive during a write wait, and
 * share the next one. Each is judged as if it were committed alone.
 *
 * If another process writes first, the write is repeated after a random pause, within the time of the call. So a lost
 * compare-and-set is no `'conflict'`: only another version of a record is.
 *
 * Call this once for a backend, and share the function between the handles to its namespaces.
 *
 * @throws InvalidArgumentError
 * @example
 * const commit = serialCommits(backend);
 * await commit('payments', change);
 */
export function serialCommits<State extends BackendState>(backend: SerialBackend<State>, options: SerialCommitsOptions = {}): SerialCommit {
  const given = readOptions<keyof SerialCommitsOptions>('options', options, ['timeoutMs', 'maxChange']);
  const { timeoutMs = DEFAULT_TIMEOUT_MS, maxChange = MAX_CHANGE } = given;
  const commits = new SerialCommits(
    readPort<SerialBackend<State>>('backend', backend, ['head', 'rows', 'entries', 'write']),
    readCount('timeoutMs', timeoutMs, 1, MAX_TIMEOUT_MS),
    readChangeSize('maxChange', maxChange),
  );
  return (namespace, change) => commits.commit(namespace, change);
}

const DEFAULT_TIMEOUT_MS = 5_000;
const MAX_TIMEOUT_MS = 600_000;
/** The longest pause before the first repetition. It doubles before each further one, up to {@link MAX_PAUSE_MS}. */
const FIRST_PAUSE_MS = 2;
const MAX_PAUSE_MS = 50;

/** The most namespaces whose next calls are kept apart, because the outcome of a write is unknown. */
const MAX_QUEUES = 1_000;

/** The codes of errors after which nothing was written. */
const REFUSALS: readonly string[] = ['ERR_JIT_STORE', 'ERR_JIT_MOVED', 'ERR_JIT_LAYOUT'];

class SerialCommits<State extends BackendState> {
  readonly #backend: SerialBackend<State>;
  readonly #max: ChangeSize;
  readonly #limit: TimeLimit;
  readonly #turns = new TurnBudget();
  readonly #queues = new Map<string, Queue>();

  constructor(backend: SerialBackend<State>, timeoutMs: number, max: ChangeSize) {
    this.#backend = backend;
    this.#max = max;
    this.#limit = new TimeLimit(timeoutMs);
  }

  async commit(namespace: string, change: Change): Promise<CommitAnswer> {
    refuseLargeChange(change, this.#max);
    const prepared = prepare<Row>(change, keyOf, (row) => new FrozenRow(row));
    const bytes = utf8Length(JSON.stringify(change));
    return new Promise((resolve, reject) => {
      const ending =
        <T>(settle: (value: T) => void) =>
        (value: T): void => {
          call.state = 'ended';
          end();
          settle(value);
        };
      const call: Call = { change: prepared, bytes, state: 'waiting', resolve: ending(resolve), reject: ending(reject) };
      const end = this.#limit.begin(() => call.reject(this.#tooLate(call)));
      const queue = this.#queues.get(namespace) ?? new Queue(this.#max);
      queue.add(call);
      this.#queues.set(namespace, queue);
      if (!queue.isRunning) void this.#run(namespace, queue);
    });
  }

  #tooLate({ change, state }: Call): Error {
    if (state === 'writing') return new OutcomeUnknownError(change.id, this.#noAnswer());
    return new StoreError('commit', 'earlier commits took too long; this change was not written');
  }

  #noAnswer(): Error {
    return new Error(`the backend did not answer within ${this.#limit.limitMs} ms`);
  }

  /** Makes one write after the other, as long as calls wait. Never rejects. */
  async #run(namespace: string, queue: Queue): Promise<void> {
    queue.isRunning = true;
    // Calls of the same turn share the first write.
    await Promise.resolve();
    let lost = 0;
    let reading: Reading<State> | undefined;
    for (let calls = queue.take(); calls.length > 0; calls = queue.take()) {
      // Synchronous backends would otherwise block timers and I/O until no call waits (L42).
      await this.#turns.spend(calls.length);
      let mayBeOfOne = false;
      try {
        const state = await this.#limited(() => this.#backend.head(namespace));
        if (state.moved !== undefined) throw movedError(namespace, state.moved);
        if (state.storedLayout !== undefined) refuseLayout(state.storedLayout);
        mayBeOfOne = calls.length > 1;
        if (reading?.state.revision !== state.revision) reading = new Reading(state);
        if (await this.#commit(reading, calls)) {
          lost = 0;
          continue;
        }
      } catch (error) {
        this.#failed(queue, calls, error, mayBeOfOne);
        continue;
      }
      queue.putBack(calls);
      const longest = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** lost++);
      await new Promise<void>((resolve) => void callAfter(longest * Math.random(), resolve));
    }
    queue.isRunning = false;
    // Without it, the next calls share a write again.
    if (!queue.isDivided || this.#queues.size > MAX_QUEUES) this.#queues.delete(namespace);
  }

  /** @returns false: another process has written since the state was read, and nothing was written */
  async #commit(reading: Reading<State>, calls: readonly Call[]): Promise<boolean> {
    const { state } = reading;
    const read = await this.#limited(() =>
      reading.read(
        this.#backend,
        calls.map(({ change }) => change),
      ),
    );
    // Some may have been given up in the meantime: they were answered that nothing was written.
    const left = calls.filter((call) => call.state !== 'ended');
    const batch = new Batch(
      left.map(({ change }) => change),
      read,
    );
    const startHash = batch.ownHash ?? read.hashes.get(batch.trimTo);
    // A purge of another process has removed the entry.
    if (batch.trimTo > 0 && startHash === undefined) return false;
    const writes = batch.writes(startHash);
    if (writes === undefined) {
      // No compare-and-set shows whether all that was read is of one state.
      const { revision } = await this.#limited(() => this.#backend.head(state.namespace));
      if (revision !== state.revision) return false;
    } else {
      for (const call of left) call.state = 'writing';
      if (!(await this.#limited(() => this.#backend.write(state, { ...writes, remove: writes.remove.map(rowKeyOf) })))) return false;
    }
    for (const [i, call] of left.entries()) {
      const answer = batch.answers[i] as Batch<Row>['answers'][number];
      if (call.state === 'ended') continue;
      if ('outcome' in answer) call.resolve(answer);
      else call.reject(answer.rejected);
    }
    return true;
  }

  /** @param mayBeOfOne whether only one of the changes may be the reason: then each gets a write of its own */
  #failed(queue: Queue, calls: readonly Call[], error: unknown, mayBeOfOne: boolean): void {
    const left = calls.filter(({ state }) => state !== 'ended');
    const isRefused = isJitError(error) && REFUSALS.includes(error.code);
    const isApplied = left.some(({ state }) => state === 'writing') && !isRefused;
    if (mayBeOfOne && !isApplied) {
      queue.putBack(left, true);
      return;
    }
    // The engine sends these changes again. Apart, one of them cannot fail the others again.
    if (isApplied) queue.divide(left.length);
    const cause = isRefused ? error : new StoreError('commit', 'the backend failed; nothing was written', error);
    for (const { change, reject } of left) reject(isApplied ? new OutcomeUnknownError(change.id, error) : cause);
  }

  async #limited<T>(ask: () => Promise<T>): Promise<T> {
    return this.#limit.hold(ask(), () => this.#noAnswer());
  }
}
