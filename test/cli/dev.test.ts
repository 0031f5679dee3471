import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Kysely, SqliteDialect } from 'kysely';
import { JitEngine, MemoryGrantStore, patternScopes, type GrantStore } from '../../src/index.js';
import { readJournal } from '../../src/journal.js';
import { migrate, resilientHandle, sqlGrantStore } from '../../src/sql.js';
import { ManualClock } from '../../src/testing.js';
import { DatabaseRefused, openDatabase } from '../../src/cli/dev/database.js';
import { runDev } from '../../src/cli/dev/dev.js';
import { writeHistory } from '../../src/cli/dev/example/history.js';
import { may, PEOPLE, policy } from '../../src/cli/dev/example/people.js';
import { serveDev } from '../../src/cli/dev/server.js';
import { main } from '../../src/cli/main.js';
import { sqliteDriver } from '../stores/sql/drivers.js';

const NOW = Date.UTC(2026, 10, 30, 14, 20);
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Sends a request as it is written: `fetch` would set `Host` and `Origin` itself. */
function send(address: string, { method = 'GET', path = '/', headers = {}, body = '' } = {}) {
  const { hostname, port } = new URL(address);
  return new Promise<{ status: number; headers: Readonly<Record<string, string | string[] | undefined>>; text: string }>(
    (resolve, reject) => {
      const sent = request({ hostname, port, method, path, headers, agent: false }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += String(chunk)));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    },
  );
}

/** What `dev` serves, without its history. */
async function served() {
  const errors: unknown[] = [];
  const engine = new JitEngine({ store: new MemoryGrantStore(), clock: new ManualClock(NOW), approver: policy(), scopes: patternScopes });
  const server = await serveDev(engine, 0, (error) => errors.push(error));
  ends.push(async () => {
    await engine.close();
    await server.close();
  });
  const { address } = server;
  const { port, origin } = new URL(address);
  const exchange = await send(address, { path: `/${new URL(address).search}` });
  const { search } = new URL(server.address);
  const cookie = String(exchange.headers['set-cookie']).split(';')[0] as string;
  const as = (person: string, more = {}) => ({ cookie: `${cookie}; jit-dev-person-${port}=${encodeURIComponent(person)}`, ...more });
  return { address, origin, port, search, exchange, cookie, as, engine, errors };
}

describe('jit-access dev', () => {
  it('exchanges the token of the address for a cookie that no script reads and no other site sends', async () => {
    const { exchange } = await served();
    expect([exchange.status, exchange.headers['location']]).toEqual([303, '/']);
    expect(String(exchange.headers['set-cookie'])).toMatch(/^jit-dev-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(exchange.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
  });

  it.each(['/', '/people', '/people.css', '/console/', '/console/assets/x.js', '/access/v1/me', '/access/v1/openapi.json', '/none'])(
    'answers 401 without the cookie: %s',
    async (path) => {
      const { address, port, search } = await served();
      const headers = { accept: 'text/html' };
      expect((await send(address, { path, headers })).status).toBe(401);
      for (const cookie of [`jit-dev-${port}=`, `jit-dev-${port}=x`, `jit-dev-person-${port}=user%3Asam`])
        expect((await send(address, { path, headers: { ...headers, cookie } })).status).toBe(401);
      // A token that is nearly right, and one in another place.
      for (const wrong of [`/${search}x`, `/${search.slice(0, -1)}`, `/console/${search}`])
        expect((await send(address, { path: wrong, headers })).status).toBe(401);
      expect((await send(address, { path, method: 'POST', headers })).status).toBe(401);
    },
  );

  it('answers 421 to a foreign Host, also with the cookie and the token (DNS rebinding)', async () => {
    const { address, port, search, as } = await served();
    for (const host of [
      `evil.example.com:${port}`,
      'evil.example.com',
      '127.0.0.1',
      'localhost',
      `localhost.:${port}`,
      `127.0.0.1.evil.com:${port}`,
      `127.0.0.1:1${port}`,
    ])
      for (const path of ['/', `/${search}`, '/access/v1/me'])
        expect((await send(address, { path, headers: as('user:sam', { host }) })).status).toBe(421);
  });

  it('sends the other names of this machine to its one origin, with the token and nothing else', async () => {
    const { address, origin, port, search, as } = await served();
    for (const host of [`localhost:${port}`, `[::1]:${port}`]) {
      const { status, headers } = await send(address, { path: `/${search}`, headers: { host } });
      expect([status, headers['location'], headers['set-cookie']]).toEqual([303, `${origin}/${search}`, undefined]);
      expect((await send(address, { path: '/access/v1/me', headers: as('user:sam', { host }) })).status).toBe(401);
    }
  });

  it('has the caller from its own cookie, never from a header', async () => {
    const { address, as } = await served();
    const me = async (headers: Record<string, string>) =>
      JSON.parse((await send(address, { path: '/access/v1/me', headers })).text) as unknown;
    expect(await me(as('user:ana'))).toMatchObject({ subject: 'user:ana' });
    expect(await me(as('user:ana', { 'x-jit-dev-person': 'user:sam' }))).toMatchObject({ subject: 'user:ana' });
    expect(await me(as('', { 'x-jit-dev-person': 'user:sam' }))).toMatchObject({ status: 401 });
    expect(await me(as('user:eve'))).toMatchObject({ status: 401 });
    // Another server of this machine can set the cookie: what is no header names no person, and breaks nothing.
    for (const wrong of ['%E0%A4%A', 'a%0Ab', '%E2%82%AC']) {
      expect(await me(as(wrong))).toMatchObject({ status: 401 });
      expect((await send(address, { headers: as(wrong) })).status).toBe(200);
    }
  });

  it('lets only its own page choose a person, and goes only to the console afterwards', async () => {
    const { address, origin, as, port } = await served();
    const form = (returnTo: string) => new URLSearchParams({ person: 'user:ana', returnTo }).toString();
    const choose = (headers: object, body: string) => send(address, { method: 'POST', path: '/people', headers: as('', headers), body });
    for (const from of ['http://127.0.0.1:1', `http://localhost:${port}`, 'null', 'https://evil.example.com'])
      expect((await choose({ origin: from }, form('/console/'))).status).toBe(403);
    expect((await choose({}, form('/console/'))).status).toBe(403);
    for (const evil of [
      '//evil.example.com/console/',
      'https://evil.example.com',
      '/\\evil.example.com',
      'javascript:alert(1)',
      '/access/v1/me',
      '/console/../people',
    ])
      expect((await choose({ origin }, form(evil))).headers['location']).toBe('/console/');
    const { status, headers } = await choose({ origin }, form('/console/inbox?x=1'));
    expect([status, headers['location']]).toEqual([303, '/console/inbox?x=1']);
    expect(String(headers['set-cookie'])).toBe(`jit-dev-person-${port}=user%3Aana; Path=/; HttpOnly; SameSite=Strict`);
    const hostile = await send(address, {
      path: `/?returnTo=${encodeURIComponent('/console/"><script>alert(1)</script>')}`,
      headers: as(''),
    });
    expect(hostile.text).not.toContain('<script');
  });

  it('refuses calls of pages of another port, which send its cookies', async () => {
    const { address, as } = await served();
    const headers = as('user:sam', { origin: 'http://127.0.0.1:1', 'content-type': 'application/json' });
    const body = JSON.stringify({ subject: 'user:maya' });
    expect((await send(address, { method: 'POST', path: '/access/v1/locks', headers, body })).status).toBe(403);
  });

  it('listens on the loopback only', async () => {
    const { port } = await served();
    const reached = await new Promise((resolve) => {
      const socket = connect({ host: '::ffff:127.0.0.2', port: Number(port) }, () => resolve(true));
      socket.on('error', () => resolve(false));
      ends.push(() => socket.destroy());
    });
    expect(reached).toBe(false);
  });

  it('refuses NODE_ENV=production, and calls nothing', async () => {
    const printed: string[] = [];
    const write = (text: string) => void printed.push(text);
    expect(await main(['dev'], { env: { NODE_ENV: 'production' }, out: write, err: write })).toBe(2);
    expect(printed.join('')).toMatch(/^dev is an example .* NODE_ENV=production\n/);
  });

  it('prints its address, serves a month of history, and ends when it is stopped', async () => {
    const stop = new AbortController();
    const printed: string[] = [];
    const address = new Promise<string>((resolve) => {
      const out = (text: string) => {
        printed.push(text);
        resolve(/http:\S+/.exec(text)?.[0] ?? '');
      };
      ends.push(() => stop.abort());
      void ended(main(['dev', '--port', '0'], { env: {}, out, err: (text) => void printed.push(text), stop: () => stop.signal }));
    });
    let code: number | undefined;
    async function ended(running: Promise<number>) {
      code = await running;
    }
    const at = await address;
    const use = async (one: string) => (await send(one, { path: `/${new URL(one).search}` })).status;
    expect([await use(at), await use(at)]).toEqual([303, 401]);
    const next = /http:\S+/.exec(printed[1] ?? '')?.[0] ?? '';
    expect([await use(next), await use(next)]).toEqual([303, 401]);
    stop.abort();
    await expect.poll(() => code).toBe(0);
    await expect(send(at)).rejects.toThrow('ECONNREFUSED');
    expect(printed).toHaveLength(3);
  });
});

describe('the history of dev', () => {
  it('is the same each time, and has something for each view', async () => {
    const write = async () => {
      const store = new MemoryGrantStore();
      await writeHistory(store, NOW);
      const entries: unknown[] = [];
      // An id of an entry and its hash are random.
      for await (const { type, at, actor, requestId, grantId } of readJournal(store)) entries.push({ type, at, actor, requestId, grantId });
      return { store, entries };
    };
    const { store, entries } = await write();
    expect((await write()).entries).toEqual(entries);

    const engine = new JitEngine({ store, clock: new ManualClock(NOW), approver: policy(), scopes: patternScopes });
    ends.push(() => engine.close());
    const all = async <T>(items: AsyncIterable<T>): Promise<readonly T[]> => {
      const list: T[] = [];
      for await (const item of items) list.push(item);
      return list;
    };
    const count = async (items: AsyncIterable<unknown>) => (await all(items)).length;
    for (const status of ['active', 'scheduled', 'expired', 'revoked'] as const)
      expect(await count(engine.listGrants({ status }))).toBeGreaterThan(0);
    for (const status of ['pending', 'approved', 'denied', 'cancelled', 'expired'] as const)
      expect(await count(engine.listRequests({ status }))).toBeGreaterThan(0);
    for (const { id } of PEOPLE.slice(0, 5)) expect(await count(engine.inbox(id))).toBeGreaterThan(0);
    const reviews = await all(engine.inbox('user:sam', { of: 'breakGlass' }));
    expect(reviews.map(({ isOverdue }) => isOverdue)).toEqual([true, false]);
    expect((await engine.listLocks()).map(({ status }) => status)).toEqual(['open', 'open']);
    expect(policy().lint()).toEqual([]);
  });

  it('gives only security a right that changes the access of others', () => {
    const changing = ['revoke', 'revokeAll', 'lock', 'unlock', 'cancelFor'] as const;
    for (const { id } of PEOPLE)
      for (const action of changing) expect(may({ caller: { subject: id }, action, target: {} })).toBe(id === 'user:sam');
  });
});

describe('--sqlite', () => {
  /** The driver of the tests, in the form of `node:sqlite`, which the oldest supported Node does not have. */
  class DatabaseSync extends (sqliteDriver as unknown as new (file: string) => object) {
    get isTransaction(): boolean {
      return (this as unknown as { inTransaction: boolean }).inTransaction;
    }
  }
  /** Opens nothing. */
  class NoSqlite {
    constructor(file: string) {
      throw new Error(`SQLite was to open ${file}`);
    }
  }
  const load = () => Promise.resolve({ DatabaseSync } as never);
  const anAsk = async (store: GrantStore) => {
    const engine = new JitEngine({ store, approver: policy(), scopes: patternScopes, clock: new ManualClock(NOW) });
    const { request } = await engine.requestAccess({ subject: 'user:maya', scope: 'logs:checkout', ttl: '1h' });
    await engine.close();
    return request.id;
  };
  const aFile = () => {
    const folder = mkdtempSync(join(tmpdir(), 'jit-dev-'));
    ends.push(() => rmSync(folder, { recursive: true, force: true }));
    return join(folder, 'dev.db');
  };
  const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

  it('makes a file that only its owner reads, and opens it again', async () => {
    const file = aFile();
    const first = await openDatabase(file, load);
    const asked = await anAsk(first.store);
    await first.close();
    expect(modeOf(file)).toBe('600');
    chmodSync(file, 0o644);
    const second = await openDatabase(file, load);
    const engine = new JitEngine({ store: second.store, approver: policy(), scopes: patternScopes, clock: new ManualClock(NOW) });
    expect((await engine.getRequest(asked))?.request.subject).toBe('user:maya');
    await engine.close();
    await second.close();
    expect(modeOf(file)).toBe('600');
  });

  it('opens a file that is empty, and narrows its mode', async () => {
    const file = aFile();
    writeFileSync(file, '', { mode: 0o644 });
    await (await openDatabase(file, load)).close();
    expect(modeOf(file)).toBe('600');
  });

  it('refuses a real database, also one of this library, and leaves it as it is', async () => {
    const real = async (file: string, sql: readonly string[]) => {
      const handle = new sqliteDriver(file);
      for (const statement of sql) handle.exec(statement);
      const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: resilientHandle(handle) }) });
      await migrate({ db, dialect: 'sqlite' });
      const store = sqlGrantStore({ db, dialect: 'sqlite', namespace: 'payments' });
      await anAsk(store);
      await db.destroy();
    };
    const [library, marked, other] = [aFile(), aFile(), aFile()];
    await real(library, []);
    // Made by `dev`, and used by a service since.
    await (await openDatabase(marked, load)).close();
    await real(marked, []);
    const handle = new sqliteDriver(other);
    handle.exec('create table customers (name text)');
    handle.close();
    for (const file of [library, marked, other]) {
      const before = statSync(file);
      await expect(openDatabase(file, load)).rejects.toThrow(DatabaseRefused);
      const after = statSync(file);
      expect([after.size, after.mtimeMs, after.mode]).toEqual([before.size, before.mtimeMs, before.mode]);
    }
  });

  it('lets SQLite open no database of another service, beside which it would write files', async () => {
    const file = aFile();
    const handle = new sqliteDriver(file);
    handle.exec('pragma journal_mode = wal');
    handle.exec('create table customers (name text)');
    const files = () => readdirSync(dirname(file)).sort();
    const before = files();
    await expect(openDatabase(file, () => Promise.resolve({ DatabaseSync: NoSqlite } as never))).rejects.toThrow(DatabaseRefused);
    expect(files()).toEqual(before);
    handle.close();
  });

  it('follows no link, because another user of the machine may have made it', async () => {
    const [file, empty, none] = [aFile(), aFile(), aFile()];
    writeFileSync(empty, '', { mode: 0o644 });
    for (const target of [empty, none]) {
      symlinkSync(target, file);
      await expect(openDatabase(file, load)).rejects.toThrow(DatabaseRefused);
      rmSync(file);
    }
    expect([modeOf(empty), existsSync(none)]).toEqual(['644', false]);
  });

  it('refuses a file that is no database', async () => {
    const file = aFile();
    writeFileSync(file, 'a letter, and not a database. '.repeat(100));
    await expect(openDatabase(file, load)).rejects.toThrow('is not a file that jit-access dev has made');
  });

  it('says that this Node has no node:sqlite', async () => {
    const file = aFile();
    const none = () => Promise.reject(new Error('ERR_UNKNOWN_BUILTIN_MODULE'));
    await expect(openDatabase(file, none)).rejects.toThrow(/needs node:sqlite of Node 22\.16 or newer/);
    const terminal = { out: () => undefined, err: () => undefined, stop: new AbortController().signal };
    await expect(runDev({ sqlite: join(file, 'no', 'folder') }, terminal)).rejects.toThrow();
  });
});
