import { NotFoundError } from '../../core/errors.js';
import { assertBoolean, invalid, readId, readOptions } from '../../core/parse.js';
import { readInstant, type Instant } from '../../core/instant.js';
import { readBy, type By } from '../../engine/by.js';
import type { JitEngine } from '../../engine/engine.js';
import type { ClockAcceptance } from '../../kernel/ledger/journal-clock.js';
import type { RollbackAcceptance } from '../../kernel/ledger/rollback.js';
import { noChange } from '../../lifecycle/transition.js';
import { heldSinks } from '../../records/bookmark.js';
import type { Row } from '../../core/store-port.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import { isObject, toJson } from '../../records/index.js';
import { keyOf, Purge, type PurgeReport } from './purge.js';

/** The options of `purge`. */
export interface PurgeOptions {
  /** At least a day ago, and not later than the latest instant that the journal's last 1,000 entries confirm. */
  readonly before: Instant;
  /** The id of the caller, which your code has authenticated. Recorded in the journal. */
  readonly by: string;
  /**
   * True: purges up to `before` even if the journal does not confirm it, as long as this process's clock has passed it. Only
   * for a person who knows that the clock is right. Default: false.
   */
  readonly force?: boolean | undefined;
}

/**
 * Removes the records that ended before an instant, and the prefix of the journal that no kept record needs. From then on
 * the engine refuses questions about earlier instants. Entries that a sink has not received yet are kept.
 *
 * A purge cannot be undone, so the clock of this process alone does not decide its horizon.
 *
 * @throws InvalidArgumentError; ClockError `ERR_JIT_CLOCK` when the journal does not confirm that `before` has passed, or
 *   has no entry of the last day: nothing was removed; StoreError, ClosedError
 * @example
 * await purge(engine, { before: Date.now() - 400 * 86_400_000, by: 'system:retention-job' });
 */
export async function purge(engine: JitEngine, options: PurgeOptions): Promise<PurgeReport> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  const { before, by, force = false } = readOptions<keyof PurgeOptions>('options', options, ['before', 'by', 'force']);
  assertBoolean('force', force);
  return new Purge(kernel, kernel.settings.readId('by', by)).run(readInstant('before', before), force);
}

/**
 * Removes the cursor of a sink that is no longer used. Otherwise the cursor holds back every purge.
 *
 * @throws InvalidArgumentError when this engine uses a sink of that name; NotFoundError, StoreError, ClosedError
 */
export async function removeSink(engine: JitEngine, name: string): Promise<void> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  const { ledger, settings } = kernel;
  const id = readId('name', name);
  if (settings.sinks.some((sink) => sink.name === id)) throw invalid('name', 'a sink that this engine does not use', id);
  let isKnown = false;
  await ledger.run(async () => {
    const affected: Row[] = [];
    for await (const rows of ledger.pages({ kind: 'cursor' })) {
      affected.push(...rows.filter((row) => isObject(row) && (row.id === id || heldSinks(row)?.includes(id) === true)));
    }
    if (affected.length === 0) {
      if (isKnown) return noChange(undefined);
      throw new NotFoundError('follower', id);
    }
    isKnown = true;
    const [put, remove]: [Row[], Pick<Row, 'kind' | 'id'>[]] = [[], []];
    for (const row of affected) {
      const sinks = heldSinks(row)?.filter((sink) => sink !== id) ?? [];
      if (sinks.length === 0) remove.push({ kind: row.kind, id: row.id });
      else put.push({ ...row, version: row.version + 1, body: { ...row.body, sinks } });
    }
    return { expect: affected.map(keyOf), put, remove, result: undefined };
  });
}

/**
 * Accepts this engine's clock although the journal's newest entry is later, so that the engine may create access again. Use
 * it after a clock that was ahead wrote to the journal, when no other process confirms this clock. The journal records it.
 *
 * @returns `accepted: false` if the engine refused nothing for that reason; then nothing is recorded
 * @throws InvalidArgumentError, StoreError, ClosedError; ClockError when the clock fails
 * @example
 * await acceptClock(engine, { by: 'user:ops', reason: 'INC-7: node 4 was a year ahead' });
 */
export async function acceptClock(engine: JitEngine, options: By): Promise<ClockAcceptance> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  const { settings, ledger, journalClock } = kernel;
  const { by: actor, reason } = readBy(settings, options);
  return journalClock.accept(({ reading, newest }) => {
    const entries = [{ type: 'clock.accepted', at: reading, actor, data: toJson({ reading, newest, reason }) }] as const;
    return ledger.run(() => ({ expect: [], put: [], entries, result: undefined }));
  });
}

/**
 * Accepts that the store went back behind an entry that this engine has seen, so that the engine may create access again.
 * The cause is a restored backup, or a failover that lost commits. Review the lost entries first. The journal records
 * the acceptance. One call serves the fleet: each engine that has seen the rollback reads the acceptance and takes it over.
 *
 * @returns `accepted: false` if this engine has seen no rollback, or another process has accepted it. The engine then
 *   records nothing.
 * @throws InvalidArgumentError, StoreError, OutcomeUnknownError, ConflictError, CorruptError, ClockError, ClosedError
 * @example
 * await acceptRollback(engine, { by: 'user:ops', reason: 'INC-9: restored the backup of 03:00' });
 */
export async function acceptRollback(engine: JitEngine, options: By): Promise<RollbackAcceptance> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  const { by, reason } = readBy(kernel.settings, options);
  return kernel.ledger.acceptRollback(by, reason);
}
