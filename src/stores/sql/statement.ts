import type { SqlDialect } from './database.js';

/** A statement as the driver takes it. */
export interface Statement {
  /** Unique among this package's statements and their versions: a named prepared statement is kept under it. */
  readonly name: string;
  readonly text: string;
  /** SQLite's `?` have no numbers: which value each of them stands for. `undefined`: they are numbered in the text. */
  readonly order: readonly number[] | undefined;
}

/** @param text with numbered parameters, as PostgreSQL writes them */
export function statement(dialect: SqlDialect, name: string, text: string): Statement {
  if (dialect === 'postgres') return { name: `jit_access_1_${name}`, text: named(`jit_access_1_${name}`, text), order: undefined };
  const order: number[] = [];
  return { name, text: text.replace(/\$(\d+)/g, (_, n: string) => (order.push(Number(n) - 1), '?')), order };
}

/** Puts the name in front of the text: a pool sees only texts, and the server's log shows which package sent it. */
const named = (name: string, text: string): string => `/* ${name} */ ${text}`;

/** The name in a text of this package; `undefined` for a text of the application. */
export const nameIn = (text: string): string | undefined => /^\/\* (jit_access_\w+) \*\/ /.exec(text)?.[1];
