import type { SqlDialect } from './database.js';

/** A statement whose parameters have the form that the dialect's driver takes. */
export interface Statement {
  /** The name of the prepared statement. Unique among the statements of this package and their versions. */
  readonly name: string;
  readonly text: string;
  /** SQLite's `?` parameters have no numbers: this lists the index of the value for each. `undefined`: the text has numbers. */
  readonly order: readonly number[] | undefined;
}

/** @param text with numbered parameters ($1, $2, ...), as in PostgreSQL */
export function statement(dialect: SqlDialect, name: string, text: string): Statement {
  if (dialect === 'postgres') return { name: `jit_access_1_${name}`, text: named(`jit_access_1_${name}`, text), order: undefined };
  const order: number[] = [];
  return { name, text: text.replace(/\$(\d+)/g, (_, n: string) => (order.push(Number(n) - 1), '?')), order };
}

/**
 * Puts the name in front of the text, because a pool sees only the text. It also shows in the server's log which package
 * sent the statement.
 */
const named = (name: string, text: string): string => `/* ${name} */ ${text}`;

/** The name in a text of this package; `undefined` for a statement of the application. */
export const nameIn = (text: string): string | undefined => /^\/\* (jit_access_\w+) \*\/ /.exec(text)?.[1];
