import type { SqlDialect } from './database.js';
import { columns, ENTRY, given, HEAD, jsonTable, keyedRows, ROW } from './fragments.js';
import { statement, type Statement } from './statement.js';

/** What a batch of one namespace writes. Each list of columns is in the order of the statements, without the namespace. */
export interface Written {
  readonly namespace: string;
  /** The keys of rows, each as JSON. */
  readonly remove: readonly string[];
  readonly put: readonly (readonly unknown[])[];
  readonly append: readonly (readonly unknown[])[];
  /** 0: no entry. */
  readonly trimTo: number;
  readonly head: readonly unknown[];
}

/** One part of a transaction's writes, and its values. */
interface WritePart {
  readonly part: 'remove' | 'put' | 'append' | 'trim' | 'head';
  readonly values: readonly unknown[];
}

export function writesOf(dialect: SqlDialect) {
  const texts = textsOf(dialect);
  return {
    /**
     * The statements that write the batches of a transaction. On PostgreSQL they are one statement, in one round trip. No two
     * parts touch the same row, so their order does not matter.
     */
    write(batches: readonly Written[]): readonly (readonly [Statement, readonly unknown[]])[] {
      const parts = partsOf(batches);
      if (parts.length === 0) return [];
      if (dialect === 'sqlite') return parts.map(({ part, values }) => [statement(dialect, part, texts[part](1)), values] as const);
      const name = parts.map(({ part }) => part).join('_');
      return [[statement(dialect, name, joined(texts, parts)), parts.flatMap(({ values }) => values)]];
    },
  };
}

function partsOf(batches: readonly Written[]): readonly WritePart[] {
  const parts: WritePart[] = [];
  const lists = {
    remove: batches.flatMap(({ namespace, remove }) => remove.map((key) => `[${JSON.stringify(namespace)},${key.slice(1)}`)),
    put: batches.flatMap(({ namespace, put }) => put.map((row) => JSON.stringify([namespace, ...row]))),
    append: batches.flatMap(({ namespace, append }) => append.map((entry) => JSON.stringify([namespace, ...entry]))),
    head: batches.map(({ namespace, head }) => JSON.stringify([namespace, ...head])),
  };
  const add = (part: keyof typeof lists) => {
    if (lists[part].length > 0) parts.push({ part, values: [`[${lists[part].join()}]`] });
  };
  add('remove');
  add('put');
  add('append');
  for (const { namespace, trimTo } of batches) if (trimTo > 0) parts.push({ part: 'trim', values: [namespace, trimTo] });
  add('head');
  return parts;
}

/** The text of each part; `n` is the number of its first parameter. */
type Texts = Readonly<Record<WritePart['part'], (n: number) => string>>;

function joined(texts: Texts, parts: readonly WritePart[]): string {
  let next = 1;
  const written = parts.map(({ part, values }, i) => {
    const text = texts[part](next);
    next += values.length;
    return { name: `written_${i}`, text };
  });
  const before = written.slice(0, -1).map(({ name, text }) => `${name} as (${text})`);
  return `${before.length > 0 ? `with ${before.join(',\n')}\n` : ''}${written.at(-1)?.text ?? ''}`;
}

function textsOf(dialect: SqlDialect): Texts {
  /** `where true` keeps SQLite from reading `on conflict` as the condition of a join. */
  const from = (n: number, names: readonly string[]) => `from ${jsonTable(dialect, given(dialect, n), names)} as k where true`;
  const insert = (table: string, names: readonly string[], n: number) =>
    `insert into ${table} (${names.join(', ')}) select ${columns('k', names)} ${from(n, names)}`;
  const replaced = (names: readonly string[]) => names.map((name) => `${name} = excluded.${name}`).join(', ');
  return {
    remove: (n) =>
      dialect === 'postgres'
        ? // By ctid: a join by key would read the whole namespace. The oid distinguishes the partitions of a partitioned table.
          `delete from jit_rows as r using (select home, place from ${keyedRows(dialect, given(dialect, n))}) as k where r.tableoid = k.home and r.ctid = k.place`
        : `delete from jit_rows where rowid in (select r.rowid from ${keyedRows(dialect, given(dialect, n))})`,
    /** Replaces whole rows: no column keeps its old value. */
    put: (n) => `${insert('jit_rows', ['namespace', ...ROW], n)}
on conflict (namespace, kind, id) do update set ${replaced(ROW.slice(2))}`,
    append: (n) => insert('jit_journal', ['namespace', ...ENTRY], n),
    /** Deletes only entries of earlier batches: an entry that this batch would trim at once is never inserted. */
    trim: (n) => `delete from jit_journal where namespace = $${n} and seq <= $${n + 1}`,
    /**
     * Every commit increments the revision, so that a commit that waited for the lock on the head detects its stale snapshot.
     * The heads exist. An insert that conflicts finds each by its key; an update might join the list with all heads.
     */
    head: (n) => `insert into jit_heads (${HEAD.join(', ')}, revision) select ${columns('k', HEAD)}, 1 ${from(n, HEAD)}
on conflict (namespace) do update set revision = jit_heads.revision + 1, ${replaced(HEAD.slice(1))}`,
  };
}
