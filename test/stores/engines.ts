import { existsSync } from 'node:fs';
import { hasBetterSqlite3 } from './sql/drivers.js';
import { hasPostgres15 } from './sql/postgres.js';
import { hasPatroni } from './patroni/cluster.js';
import { isInstalled, isOnPath, LEFT_OUT } from './redis/started.js';

/** One call of Vitest. */
export interface Run {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A database engine, or another driver for one. */
interface Engine {
  readonly files: readonly string[];
  /** Only the tests of these files whose names match: some files test several engines. */
  readonly title?: string;
  /** How the names of the durable tests call the engine. They start and kill processes. */
  readonly durable?: 'sqlite' | 'postgres' | 'redis';
  readonly env?: Readonly<Record<string, string>>;
  /** What `JIT_TEST_REQUIRE` must name, so that the tests of a named engine fail where it is missing. */
  readonly requires?: string;
  /** Whether it is another driver: the run of all tests goes through the first driver of each engine. */
  readonly isExtra?: true;
  /** Why it cannot run here; `undefined`: it can. */
  readonly missing?: string | undefined;
}

const SQLITE = { files: ['test/contract/sql-sqlite.test.ts', 'test/stores/sql'], title: '(sqlite|SQLite)', durable: 'sqlite' } as const;
const REDIS = { files: ['test/contract/redis.test.ts', 'test/stores/redis'], durable: 'redis', requires: 'redis' } as const;
const DRIVERS = 'npm ci --prefix .ci/drivers installs it';
const KYSELY = '.ci/drivers/node_modules/kysely/dist';

/** Where it is missing: why. */
const unless = (isThere: boolean, why: string): string | undefined => (isThere ? undefined : why);

const ENGINES: Readonly<Record<string, Engine>> = {
  sqlite: SQLITE,
  'better-sqlite3': {
    ...SQLITE,
    env: { JIT_TEST_SQLITE: 'better-sqlite3' },
    requires: 'better-sqlite3',
    isExtra: true,
    missing: unless(hasBetterSqlite3, DRIVERS),
  },
  postgres: { files: ['test/contract/sql-p', 'test/stores/sql'], durable: 'postgres' },
  // The oldest one that is maintained: its planner chooses other plans.
  'postgres-15': {
    files: ['test/contract/sql-postgres.test.ts', 'test/stores/sql'],
    env: { JIT_TEST_POSTGRES: '15' },
    isExtra: true,
    missing: unless(hasPostgres15, DRIVERS),
  },
  // Another driver, which serializes a parameter by the type that the server infers.
  'postgres.js': {
    files: ['test/contract/sql-postgres.test.ts', 'test/stores/sql/on-commit.test.ts', 'test/stores/sql/hook-kills.test.ts'],
    title: 'PostgreSQL',
    env: { JIT_TEST_POSTGRES_DRIVER: 'postgres.js' },
    isExtra: true,
  },
  redis: { ...REDIS, missing: unless(isInstalled, LEFT_OUT) },
  valkey: {
    ...REDIS,
    env: { JIT_TEST_REDIS_PROGRAM: 'valkey-server' },
    isExtra: true,
    missing: unless(isOnPath('valkey-server'), 'there is no valkey-server on the PATH'),
  },
  // Minutes, most of them the time until Patroni promotes another server: only by its name.
  patroni: {
    files: ['test/stores/patroni'],
    env: { JIT_TEST_PATRONI: '1' },
    requires: 'patroni',
    missing: unless(hasPatroni, 'apt-get install patroni python3-etcd python3-dnspython etcd-server postgresql'),
  },
  kysely: {
    files: ['test/contract/sql-p', 'test/contract/sql-sqlite.test.ts', 'test/stores/sql'],
    env: { JIT_TEST_KYSELY: KYSELY },
    isExtra: true,
    missing: unless(existsSync(KYSELY), DRIVERS),
  },
};

const EVERY_STORE: Run = { name: 'every store', args: [], env: {} };

/**
 * The calls of Vitest for the named engines. Without a name: one for all tests of the stores, then those for each further
 * driver that is installed.
 *
 * @param names of engines, or URLs of servers that speak PostgreSQL's protocol
 * @param isShort omits the durable tests of the named engines and the further drivers
 * @param isPortable runs only the contract suite with portable statements on the servers that URLs name
 * @throws Error for a name that is unknown, or an engine that is not installed
 */
export function chosenRuns(names: readonly string[], isShort: boolean, isPortable = false): readonly Run[] {
  if (names.length > 0) return names.flatMap((name) => (isUrl(name) ? runsAt(name, isPortable) : runsOf(name, installed(name), isShort)));
  const extra = Object.entries(ENGINES).filter(([, { isExtra }]) => isExtra === true);
  for (const [name, { missing }] of extra) if (missing !== undefined) console.log(`${name} is skipped: ${missing}`);
  const found = extra.filter(([, { missing }]) => missing === undefined);
  return [EVERY_STORE, ...found.flatMap(([name, engine]) => runsOf(name, engine, isShort))];
}

const isUrl = (name: string): boolean => /^postgres(ql)?:\/\//.test(name);

/** Each test file has a schema of its own there, which it drops. Tests that stop a server start one of their own. */
function runsAt(url: string, isPortable: boolean): readonly Run[] {
  const { host, pathname } = new URL(url);
  const args = ['test/contract/sql-postgres.test.ts', ...(isPortable ? [] : ['test/stores/sql'])];
  return [{ name: `${host}${pathname}`, args, env: { JIT_TEST_PG_URL: url, ...(isPortable ? { JIT_TEST_PORTABLE: '1' } : {}) } }];
}

function installed(name: string): Engine {
  const engine = Object.hasOwn(ENGINES, name) ? ENGINES[name] : undefined;
  if (engine === undefined) throw new Error(`there is no engine ${JSON.stringify(name)}; there are ${Object.keys(ENGINES).join(', ')}`);
  if (engine.missing !== undefined) throw new Error(`${name} is not installed: ${engine.missing}`);
  return engine;
}

function runsOf(name: string, { files, title, durable, env = {}, requires }: Engine, isShort: boolean): readonly Run[] {
  const required = [process.env['JIT_TEST_REQUIRE'], requires].filter(Boolean).join(',');
  const all = { ...env, ...(required === '' ? {} : { JIT_TEST_REQUIRE: required }) };
  const own: Run = { name, args: [...files, ...(title === undefined ? [] : ['-t', title])], env: all };
  if (durable === undefined || isShort) return [own];
  return [own, { name: `${name}, durable`, args: ['test/stores/durable', 'test/model/durable.test.ts', '-t', durable], env: all }];
}
