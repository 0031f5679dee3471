import { sha256Hex } from '../../core/sha256.js';
import { toUtf8 } from '../../core/utf8.js';

/** A statement whose parameters have the form that the dialect's driver takes. */
export interface Statement {
  /**
   * The name of the prepared statement. It contains a hash of the text: two versions of this package in one process may share a
   * pool, and a connection keeps one text for each name.
   */
  readonly name: string;
  readonly text: string;
  /** SQLite's `?` parameters have no numbers: this lists the index of the value for each. `undefined`: the text has numbers. */
  readonly order: readonly number[] | undefined;
}

/**
 * Puts the name in front of the text, because a pool sees only the text. It also shows in the server's log which package
 * sent the statement.
 */
export function namedStatement(name: string, text: string): Statement {
  const unique = `jit_access_${name}_${sha256Hex(toUtf8(text)).slice(0, 8)}`;
  return { name: unique, text: `/* ${unique} */ ${text}`, order: undefined };
}

/** The name in a text of this package; `undefined` for a statement of the application. */
export const nameIn = (text: string): string | undefined => /^\/\* (jit_access_\w+) \*\/ /.exec(text)?.[1];

/** Whether this is the name of the statement that asks whether the connection has an open transaction. */
export const isProbe = (name: string | undefined): boolean => name?.startsWith('jit_access_probe_') === true;

/** On SQLite, whose texts have no names, the text of that statement. It is no text of Kysely or of the caller. */
export const SQLITE_PROBE = 'begin /* jit_access_probe */';

/** Whether this is the name of the statement after which the connection must be closed instead of reused. */
export const isClose = (name: string | undefined): boolean => name?.startsWith('jit_access_close_') === true;
