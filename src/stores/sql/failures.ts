import { messageOf, StoreError } from '../../core/errors.js';

/** No answer within the limit. What was asked may still be under way. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  constructor(ms: number) {
    super(`no answer within ${ms} ms: the database is silent, or no connection to it is free`);
  }
}

/** SQLSTATEs after which a transaction is undone and may be run again: serialisation failure, deadlock, lock and statement timeout. */
const TRY_AGAIN = new Set(['40001', '40P01', '55P03', '57014']);

/** A failure that says "not now": somebody else is at it. It is never the engine's 'conflict'. */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return TRY_AGAIN.has(code) || /^SQLITE_(BUSY|LOCKED)/.test(code);
}

/** Whether an answer to COMMIT says that nothing was applied. Any other failure leaves that open. */
export function isRolledBack(error: unknown): boolean {
  return /^(40001|40P01|55P03|SQLITE_BUSY)/.test(codeOf(error));
}

/**
 * A failure of the statement itself, which would fail again: bad data, a constraint, a missing table. SQLSTATE classes of
 * a lost connection (08), missing resources (53), an operator (57) and the system (58) are not among them.
 */
export function isRefusal(error: unknown): boolean {
  const code = codeOf(error);
  return /^(?!08|40|53|55|57|58|XX)[0-9A-Z]{5}$/.test(code) || /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|ERROR)/.test(code);
}

/** A prepared statement that is not there, or is there already: a pooler has handed over another connection. */
const MISPREPARED = new Set(['26000', '42P05']);

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** What a caller is told. Drivers keep URLs and passwords out of their messages. */
export function asStoreError(operation: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  const hint = MISPREPARED.has(code) ? '; behind a pooler use resilientPool(pool, { prepare: false }), and no read' : '';
  return new StoreError(operation, `the database could not be asked${code === '' ? '' : ` (${code})`}: ${messageOf(error)}${hint}`, error);
}
