import { isJitError, messageOf, StoreError } from '../../core/errors.js';

/** Why a call may wait for a connection until its time limit. */
const NO_CONNECTION = 'The pool may be too small, or the call was made inside a transaction of the caller, which holds the connection';

/** The database did not answer within the limit. The statement may still be running. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  constructor(ms: number) {
    super(`no answer within ${ms} ms: the database is silent, or no connection is free. ${NO_CONNECTION}`);
  }
}

/**
 * SQLSTATEs after which the server has rolled back and a retry makes sense: serialisation failure, deadlock, lock and
 * statement timeout.
 */
const TRY_AGAIN = new Set(['40001', '40P01', '55P03', '57014']);

/**
 * Whether the failure is temporary, because another transaction holds a lock. It says nothing about the versions that a change
 * expects, so it is never the outcome 'conflict'.
 */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return TRY_AGAIN.has(code) || /^SQLITE_(BUSY|LOCKED)/.test(code);
}

/**
 * Whether an answer to COMMIT says that nothing was applied: a conflict, a constraint or a trigger that is checked there, or a full disk.
 * SQLite has then rolled the transaction back, or left it open. Any other failure leaves the outcome unknown.
 */
export function isRolledBack(error: unknown): boolean {
  const code = codeOf(error);
  return /^(40001|40P01|55P03|SQLITE_(BUSY|FULL))/.test(code) || (!code.startsWith('SQLITE_') && isRefusal(error));
}

/** Whether a statement before BEGIN shows an open transaction: PostgreSQL's is aborted, or SQLite refuses to begin another. */
export const isNested = (error: unknown): boolean => codeOf(error) === '25P02' || messageOf(error).includes('within a transaction');

/** The connection has an open transaction. It is the caller's: the store would commit it, or roll it back. */
export const openTransaction = (cause: unknown): StoreError =>
  new StoreError(
    'commit',
    'the connection is inside a transaction of the caller, which the store would end; nothing was sent. Call the engine outside of it',
    cause,
  );

/** SQLSTATEs after which another transaction is the reason of a rollback: a conflict, a deadlock, a lock that did not become free. */
const OF_OTHERS = new Set(['40001', '40P01', '55P03']);

/** The store's hook has failed. The transaction is rolled back, so the reason is known and nothing was applied. */
export class HookFailed extends Error {
  override readonly name = 'HookFailed';
  /** Only if another transaction is the reason: the store then treats the failure as {@link isBusy}, and calls the hook again. */
  readonly code: string | undefined;
  /** @param isLate the hook may still be running, so its connection must be closed */
  constructor(
    override readonly cause: unknown,
    readonly isLate = false,
  ) {
    super('the hook failed', { cause });
    this.code = codesOf(cause).find((code) => OF_OTHERS.has(code));
  }
}

/** Why a hook has failed that ended well: the transaction was refused because of what it has left there. */
export const leftBehind = (cause: unknown): Error =>
  new Error(`the transaction failed after the hook, by its rows or its settings: ${messageOf(cause)}`, { cause });

/** The codes of an error and of its causes: query builders wrap the errors of the driver. A hook may throw any value. */
function codesOf(thrown: unknown): readonly string[] {
  const codes: string[] = [];
  try {
    for (let error = thrown; error instanceof Error && codes.length < 4; error = error.cause) codes.push(codeOf(error));
  } catch {
    // A value that cannot be read has no code.
  }
  return codes;
}

/** Whether a savepoint cannot be released because its transaction was ended, or a statement in it has failed. */
export const endsTransaction = (error: unknown): boolean =>
  /^(25P0[12]|3B001)/.test(codeOf(error)) || messageOf(error).includes('no such savepoint');

/**
 * Whether the statement itself failed and would fail again: bad data, a constraint, a missing table. These SQLSTATE classes
 * do not count: a lost connection (08, 25P03), a rollback (40), missing resources (53), a lock or wrong state (55), an operator
 * (57), the system (58) and an internal error (XX). Codes of Node such as EPIPE have the same form.
 */
export function isRefusal(error: unknown): boolean {
  const code = codeOf(error);
  return /^(?!08|25P|40|53|55|57|58|E[A-Z]{4}|XX)[0-9A-Z]{5}$/.test(code) || /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|ERROR)/.test(code);
}

/** A prepared statement is missing, or exists already: a pooler has switched the connection. */
const MISPREPARED = new Set(['26000', '42P05']);

export function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** Wraps a failure of the driver for the caller. It includes the driver's message. An error of this package stays as it is. */
export function asStoreError(operation: string, error: unknown): Error {
  if (isJitError(error)) return error;
  const code = codeOf(error);
  const message = withoutSecrets(messageOf(error));
  return new StoreError(
    operation,
    `the database query failed${code === '' ? '' : ` (${code})`}: ${message}${hintOf(code, message)}`,
    error,
  );
}

/** The driver's message, and its code if the message does not show it. */
export function driverError(error: unknown): string {
  const code = codeOf(error);
  const message = withoutSecrets(messageOf(error));
  return code === '' || message.includes(code) ? message : `${message} (${code})`;
}

/** Hides the password of a connection string: some drivers show the string when they cannot read it. */
const withoutSecrets = (message: string): string =>
  message.replace(/\S+/g, (word) => {
    const [start, end] = [word.indexOf('://'), word.lastIndexOf('@')];
    const shown = start >= 0 && end > start ? `${word.slice(0, start)}://***${word.slice(end)}` : word;
    return shown.replace(/password=.*/i, 'password=***');
  });

/** What the developer can do about a failure of the set-up. */
function hintOf(code: string, message: string): string {
  if (NO_CLIENT.test(message)) return `. ${NO_CONNECTION}`;
  if (MISPREPARED.has(code)) return '; behind a pooler use resilientPool(pool, { prepare: false }) and omit read';
  return NO_TABLES.test(message) ? '; call migrate({ db, dialect }) before the first use' : '';
}

/** The message of a `pg` pool that has no free connection. */
const NO_CLIENT = /^timeout exceeded when trying to connect/;

/** The drivers' messages for a missing table: SQLite's, and PostgreSQL's in English. */
const NO_TABLES = /^(?:no such table: jit_|relation "jit_\w+" does not exist)/;
