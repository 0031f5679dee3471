import { LAYOUT } from '../../core/layout.js';
import type { Dialect } from './dialect/dialect.js';
import { columns, ENTRY, HEAD, ROW } from './fragments.js';
import type { Statement } from './statement.js';

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

export function writesOf(dialect: Dialect) {
  const texts = textsOf(dialect);
  const { joinsWrites } = dialect;
  const guessed = dialect.guessed?.();
  const known = new Map<string, Statement>();
  /** The name determines the text. */
  const once = (name: string, textOf: () => string): Statement => {
    const one = known.get(name) ?? dialect.statement(name, textOf());
    known.set(name, one);
    return one;
  };
  return {
    /** Puts the rows in $1, a JSON list with the namespace before the columns of each. Without a change: see `upgrade.ts`. */
    rewrite: dialect.statement('rewrite', texts.put(1, 'true')),

    /**
     * The statements that write the batches of a transaction, or the one that joins them. No two parts touch the same row, so their order
     * does not matter.
     */
    write(batches: readonly Written[]): readonly (readonly [Statement, readonly unknown[]])[] {
      const parts = partsOf(batches);
      if (parts.length === 0) return [];
      if (!joinsWrites) return parts.map(({ part, values }) => [once(part, () => texts[part](1, 'true')), values] as const);
      const text = () => {
        const written = joined(texts, parts, 1, 'true');
        const before = written.slice(0, -1).map(asCte);
        return `${before.length > 0 ? `with ${before.join(',\n')}\n` : ''}${written.at(-1)?.text ?? ''}`;
      };
      return [[once(namesOf(parts), text), parts.flatMap(({ values }) => values)]];
    },

    /**
     * The statement that locks the heads in `asked` and writes those batches whose guess is right: see {@link Guessed}. For batches that
     * trim nothing.
     */
    writeGuessed:
      guessed &&
      ((asked: string, batches: readonly Written[]): readonly [Statement, readonly unknown[]] => {
        const parts = partsOf(batches);
        const text = () => [guessed.begin, ...joined(texts, parts, 2, guessed.where).map(asCte)].join(',\n') + `\n${guessed.end}`;
        return [once(`guessed_${namesOf(parts)}`, text), [asked, ...parts.flatMap(({ values }) => values)]];
      }),
  };
}

const namesOf = (parts: readonly WritePart[]): string => parts.map(({ part }) => part).join('_');

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

/** The text of each part; `n` is the number of its first parameter, and `where` the condition on each item `k` of its list. */
type Texts = Readonly<Record<WritePart['part'], (n: number, where: string) => string>>;

interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** @param first the number of the first parameter */
function joined(texts: Texts, parts: readonly WritePart[], first: number, where: string): readonly NamedText[] {
  let next = first;
  return parts.map(({ part, values }, i) => {
    const text = texts[part](next, where);
    next += values.length;
    return { name: `written_${i}`, text };
  });
}

const asCte = ({ name, text }: NamedText): string => `${name} as (${text})`;

function textsOf(dialect: Dialect): Texts {
  /** Without any `where`, SQLite would read `on conflict` as the condition of a join. */
  const from = (n: number, where: string, names: readonly string[]) =>
    `from ${dialect.jsonTable(dialect.given(n), names)} as k where ${where}`;
  const insert = (table: string, names: readonly string[], n: number, where: string) =>
    `insert into ${table} (${names.join(', ')}) select ${columns('k', names)} ${from(n, where, names)}`;
  const replaced = (names: readonly string[]) => names.map((name) => `${name} = excluded.${name}`).join(', ');
  return {
    remove: dialect.remove,
    /** Replaces whole rows: no column keeps its old value. */
    put: (
      n,
      where,
    ) => `insert into jit_rows (${['namespace', ...ROW].join(', ')}, layout) select ${columns('k', ['namespace', ...ROW])}, ${LAYOUT}
${from(n, where, ['namespace', ...ROW])}
on conflict (namespace, kind, id) do update set ${replaced([...ROW.slice(2), 'layout'])}`,
    append: (n, where) => insert('jit_journal', ['namespace', ...ENTRY], n, where),
    /** Deletes only entries of earlier batches: an entry that this batch would trim at once is never inserted. */
    trim: (n) => `delete from jit_journal where namespace = $${n} and seq <= $${n + 1}`,
    /**
     * Every commit increments the revision, so that a commit that waited for the lock on the head detects its stale snapshot.
     * The heads exist. An insert that conflicts finds each by its key; an update might join the list with all heads.
     */
    head: (n, where) => `insert into jit_heads (${HEAD.join(', ')}, revision) select ${columns('k', HEAD)}, 1 ${from(n, where, HEAD)}
on conflict (namespace) do update set revision = jit_heads.revision + 1, ${replaced(HEAD.slice(1))}`,
  };
}
