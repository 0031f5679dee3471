import { StoreError } from '../../core/errors.js';
import { observedOf, type ObservedAnswer } from '../../core/observed.js';
import { loadReadableLocks } from '../../kernel/loading/locks.js';
import type { JitEngine } from '../../engine/engine.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import type { Kernel } from '../../kernel/kernel.js';
import { isLockOpen } from '../../lifecycle/lock.js';
import { hasPassed, requestStatus, type Instants } from '../../lifecycle/status.js';
import type { Row } from '../../core/store-port.js';
import { decodeRequest, isFeatureKind, isLockRow, isObject, needsReview } from '../../records/index.js';
import { heldSinks } from '../../records/bookmark.js';
import { MALFORMED } from '../../journal/store-reads.js';

/** A count from a bounded read. */
export interface StatCount {
  /** The number of rows, or the least that it can be: see `atLeast`. */
  readonly value: number;
  /** True: the read reached its bound of 1,000 rows, so the number is `value` or more. */
  readonly atLeast: boolean;
}

/** How far a shared sink is behind the journal. */
export interface FollowerStats {
  /** The name of the sink. */
  readonly name: string;
  /** The number of entries that it has not received yet. */
  readonly behind: number;
}

/** Numbers about the state of a namespace, for a dashboard or an alert. */
export interface EngineStats {
  /** The clock reading of this answer. Epoch milliseconds. */
  readonly at: number;
  /** The requests that wait for a decision. */
  readonly pendingRequests: StatCount;
  /** The break-glass uses whose review is pending. */
  readonly breakGlassReviews: StatCount;
  /**
   * The grants and requests that time has ended and no sweep has recorded yet. They allow nothing. A grant that was ended early counts
   * until a sweep has closed its usage row.
   */
  readonly overdueEnds: StatCount;
  /** For how long the oldest due record has waited for a sweep, in milliseconds. 0: no record is due. */
  readonly sweepLagMs: StatCount;
  /** The shared sinks, at most 1,000. */
  readonly followers: readonly FollowerStats[];
  /** How often the guards over this engine that only observe would have given each answer, in this process since it started. */
  readonly observed: Readonly<Record<ObservedAnswer, number>>;
  /** The locks that deny access. `undefined`: they are unreadable, so every check denies. */
  readonly openLocks: number | undefined;
}

/** The most rows of one read (L42). */
const MOST = 1_000;

/**
 * Counts what needs attention: pending requests, pending break-glass reviews, ends that no sweep has recorded, and how far the sweep
 * and the sinks are behind. It sends five reads of at most 1,000 rows each, together, and records nothing.
 *
 * Gotcha: the reads are not one snapshot, so two numbers may belong to slightly different instants.
 *
 * @throws StoreError, ClockError, ClosedError; InvalidArgumentError for any value other than an engine
 * @example
 * const { pendingRequests, sweepLagMs } = await stats(engine);
 */
export async function stats<Scope extends string>(engine: JitEngine<Scope>): Promise<EngineStats> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  const { ledger, clock } = kernel;
  const reading = clock.read();
  const { now: at, forEnds } = reading;
  const [requests, due, cursors, { head }, openLocks] = await Promise.all([
    ledger.find({ kind: 'request', open: true, limit: MOST }),
    ledger.due({ at: forEnds, limit: MOST }),
    ledger.find({ kind: 'cursor', limit: MOST }),
    ledger.journal(),
    countLocks(kernel, at),
  ]);
  return Object.freeze({
    at,
    ...countRequests(kernel, rowsOf('find', requests), isFull(requests), reading),
    ...countDue(kernel, rowsOf('due', due), isFull(due), reading),
    followers: Object.freeze(rowsOf('find', cursors).flatMap((row) => followerOf(row, head.seq))),
    observed: Object.freeze({ ...observedOf(engine) }),
    openLocks,
  });
}

/** @throws StoreError for an answer that contains a value other than rows: it would make a number too low */
function rowsOf(question: 'find' | 'due', { items }: { readonly items: readonly Row[] }): readonly Row[] {
  if (!items.every(isObject)) throw new StoreError(question, MALFORMED);
  return items;
}

/** A page may be short and still have a next one. */
const isFull = ({ next }: { readonly next: string | undefined }): boolean => next !== undefined;

const count = (value: number, atLeast: boolean): StatCount => Object.freeze({ value, atLeast });

function countRequests({ settings }: Kernel, rows: readonly Row[], atLeast: boolean, reading: Pick<Instants, 'forEnds'>) {
  const requests = settings.decodeAll(rows, decodeRequest);
  const pending = requests.filter((request) => requestStatus(request, reading.forEnds) === 'pending');
  return { pendingRequests: count(pending.length, atLeast), breakGlassReviews: count(requests.filter(needsReview).length, atLeast) };
}

function countDue({ settings }: Kernel, rows: readonly Row[], atLeast: boolean, reading: Pick<Instants, 'forEnds'>) {
  // Rows of features wait for their feature and not for the sweep, and this process may not use it. Ends of locks wait for the journal.
  const own = rows.filter((row) => !isFeatureKind(row.kind) && !isLockRow(row));
  const [oldest] = own;
  // A grant and its usage row have one id, and both may be due.
  const grants = new Set(own.filter((row) => isOver(row, reading)).map(({ id }) => id));
  const expired = settings
    .decodeAll(
      own.filter(({ kind }) => kind === 'request'),
      decodeRequest,
    )
    .filter(({ end, reviewBy }) => end === undefined && hasPassed(reviewBy, reading));
  return {
    overdueEnds: count(grants.size + expired.length, atLeast),
    sweepLagMs: count(oldest?.dueAt === undefined ? 0 : Math.max(0, reading.forEnds - oldest.dueAt), atLeast && oldest === undefined),
  };
}

/** A grant is also due for its warnings and at its start. A usage row is due only at an end. */
const isOver = ({ kind, until }: Row, reading: Pick<Instants, 'forEnds'>): boolean =>
  kind === 'usage' || (kind === 'grant' && until !== undefined && hasPassed(until, reading));

/** The row of a sink. A hold keeps the place of sinks that have no row yet, and is no sink. */
function followerOf(row: Row, headSeq: number): readonly FollowerStats[] {
  if (heldSinks(row) !== undefined) return [];
  const seq = isObject(row.body) ? row.body['seq'] : undefined;
  const delivered = Number.isSafeInteger(seq) ? (seq as number) : 0;
  // The head was read at the same time: a sink may have received a newer entry.
  return [Object.freeze({ name: row.id, behind: Math.max(0, headSeq - delivered) })];
}

/** The number of open locks. Unreadable locks are reported to `onError`. */
async function countLocks(kernel: Kernel, now: number): Promise<number | undefined> {
  const locks = await loadReadableLocks(kernel, 'stats');
  return locks && (locks.row?.locks.filter((lock) => isLockOpen(lock, now)).length ?? 0);
}
