import { statSync } from 'node:fs';
import { migrate, sqlGrantStore, resilientHandle } from 'jit-access/sql';
import { Kysely, SqliteDialect } from 'kysely';
import { START } from '../measure/grants.js';
import type { Write } from '../measure/requests.js';
import type { Call } from '../measure/rounds.js';
import { sqliteFile } from '../measure/sqlite-file.js';
import { bareColumns, ENTRY_COLUMNS, ROW_COLUMNS } from './bare-rows.js';
import { hookOf, ORDERS, type Engine } from './engine.js';

/** A file, by `libsql` or by the package that JIT_BENCH_SQLITE names: `better-sqlite3`, where it is installed. */
export async function sqlite(): Promise<Engine> {
  const { driver, path, open, close } = await sqliteFile();
  const kysely = () => new Kysely<unknown>({ dialect: new SqliteDialect({ database: resilientHandle(open()) }) });
  const db = kysely();
  await migrate({ db, dialect: 'sqlite' });
  const plain = open();
  plain.exec(ORDERS);
  return {
    name: 'SQLite',
    calls: 5_000,
    setting: `WAL, synchronous = FULL, through ${driver}`,
    ways: {
      'through Kysely alone': { driver, store: sqlGrantStore({ db, dialect: 'sqlite', namespace: 'payments' }) },
      'through `read`': { driver, store: sqlGrantStore({ db, dialect: 'sqlite', namespace: 'payments', read: open() }) },
    },
    async bare(questions) {
      const get = plain.prepare(
        `select kind, id, version, subject, scope, open, from_at, until_at, due_at, body from jit_rows
where namespace = 'payments' and live_subject = ? and scope = ? and until_at > ?`,
      );
      const look: Call = (i) => {
        const { subject, scope } = questions[i % questions.length] as (typeof questions)[number];
        if (get.get(subject, scope, START) === undefined) throw new Error(`${subject} holds nothing`);
      };
      return { [driver]: look };
    },
    open(delayMs) {
      if (delayMs > 0) return undefined;
      const own = { db: kysely(), dialect: 'sqlite', namespace: 'payments', read: open() } as const;
      const store = sqlGrantStore(own);
      const hooked = sqlGrantStore({ ...own, onCommit: hookOf('insert into orders values (?)') });
      const [begin, end] = [plain.prepare('begin immediate'), plain.prepare('commit')];
      const into = (table: string, columns: string) =>
        plain.prepare(`insert into ${table} (${columns}) values ('bare'${', ?'.repeat(columns.split(',').length - 1)})`);
      const [row, entry] = [into('jit_rows', ROW_COLUMNS), into('jit_journal', ENTRY_COLUMNS)];
      const write: Write = async (changes) => {
        const { rows, entries } = bareColumns(changes);
        begin.run();
        for (const columns of rows) row.run(...columns.map(bindable));
        for (const columns of entries) entry.run(...columns.map(bindable));
        end.run();
      };
      return Promise.resolve({ store, write, hooked, close: async () => undefined });
    },
    async bytes() {
      plain.prepare('pragma wal_checkpoint(truncate)').all([]);
      return statSync(path).size;
    },
    close,
  };
}

/** A driver of SQLite binds neither `undefined` nor booleans. */
const bindable = (value: unknown): unknown => (typeof value === 'boolean' ? Number(value) : (value ?? null));
