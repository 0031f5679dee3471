import type { SqlDialect } from './database.js';
import { columns, ENTRY, jsonTable, keyedRows, ROW } from './fragments.js';
import { statement, type Statement } from './statement.js';

/** One part of a batch's writes, and its values. */
export interface WritePart {
  readonly part: 'remove' | 'put' | 'append' | 'trim' | 'head';
  readonly values: readonly unknown[];
}

export function writesOf(dialect: SqlDialect) {
  const texts = textsOf(dialect);
  return {
    /**
     * The statements that write a batch. On PostgreSQL they are one statement, in one round trip. No two parts touch the
     * same row, so their order does not matter.
     *
     * @param parts the parts with their values, which begin at $2; the namespace is $1 of each part
     */
    write(namespace: string, parts: readonly WritePart[]): readonly (readonly [Statement, readonly unknown[]])[] {
      if (parts.length === 0) return [];
      if (dialect === 'sqlite')
        return parts.map(({ part, values }) => [statement(dialect, part, texts[part](2)), [namespace, ...values]] as const);
      const name = parts.map(({ part }) => part).join('_');
      return [[statement(dialect, name, joined(texts, parts)), [namespace, ...parts.flatMap(({ values }) => values)]]];
    },
  };
}

/** The text of each part; `n` is the number of its first parameter after the namespace. */
type Texts = Readonly<Record<WritePart['part'], (n: number) => string>>;

function joined(texts: Texts, parts: readonly WritePart[]): string {
  let next = 2;
  const written = parts.map(({ part, values }) => {
    const text = texts[part](next);
    next += values.length;
    return { part, text };
  });
  const before = written.slice(0, -1).map(({ part, text }) => `written_${part} as (${text})`);
  return `${before.length > 0 ? `with ${before.join(',\n')}\n` : ''}${written.at(-1)?.text ?? ''}`;
}

function textsOf(dialect: SqlDialect): Texts {
  const insertFrom = (n: number, names: readonly string[]) => `select $1, ${columns('k', names)} from ${jsonTable(dialect, n, names)} as k`;
  return {
    remove: (n) =>
      dialect === 'postgres'
        ? // By ctid: a join by key would read the whole namespace. The oid distinguishes the partitions of a partitioned table.
          `delete from jit_rows as r using (select home, place from ${keyedRows(dialect, n)}) as k where r.tableoid = k.home and r.ctid = k.place`
        : `delete from jit_rows where rowid in (select r.rowid from ${keyedRows(dialect, n)})`,
    /** Replaces whole rows: no column keeps its old value. */
    put: (n) =>
      `insert into jit_rows (namespace, ${ROW.join(', ')}) ${insertFrom(n, ROW)} where true
on conflict (namespace, kind, id) do update set ${ROW.slice(2)
        .map((name) => `${name} = excluded.${name}`)
        .join(', ')}`,
    append: (n) => `insert into jit_journal (namespace, ${ENTRY.join(', ')}) ${insertFrom(n, ENTRY)}`,
    /** Deletes only entries of earlier batches: an entry that this batch would trim at once is never inserted. */
    trim: (n) => `delete from jit_journal where namespace = $1 and seq <= $${n}`,
    /** Every commit increments the revision, so that a commit that waited for the lock on the head detects its stale snapshot. */
    head: (n) =>
      `update jit_heads set revision = revision + 1, seq = $${n}, hash = $${n + 1}, start_seq = $${n + 2}, start_hash = $${n + 3} where namespace = $1`,
  };
}
