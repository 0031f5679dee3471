import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { isInstalled, LEFT_OUT, named, serverAt, startServer } from '../redis/started.js';
import { Postgres } from '../sql/postgres.js';
import { SqliteFile } from '../sql/sqlite.js';
import type { Kind, Place } from './place.js';

/** The place of a durable store: a server that the tests started, or a file. */
export interface Durable {
  readonly place: Place;
  /** A new name. On a server that keeps running, all that is stored under it is removed afterwards. */
  namespace(): string;
  /** Ends the connections that were opened under this `application_name`, with the statements in flight. Only on PostgreSQL. */
  readonly disconnect?: ((name: string) => Promise<unknown>) | undefined;
  /** Lets the server have no room for more. SQLite has no server: its processes fill. */
  readonly fill?: ((isFull: boolean) => Promise<unknown>) | undefined;
  /** Kills the server with everything in flight, and starts it again. SQLite has no server. */
  readonly crash: ((signal: 'SIGQUIT' | 'SIGKILL') => Promise<void>) | undefined;
  stop(): Promise<void>;
}

/**
 * Whether such a server is available: PostgreSQL and SQLite come with the packages, a Redis has to be installed.
 *
 * @param own one that may be killed
 */
export const isAvailable = (kind: Kind, own = false): boolean => kind !== 'redis' || isInstalled || (named !== undefined && !own);

/** @param own the test will kill it: never a server that the environment names */
export async function startDurable(kind: Kind, { own = false } = {}): Promise<Durable> {
  switch (kind) {
    case 'sqlite': {
      const file = await SqliteFile.migrated();
      return { place: { kind, where: file.path }, namespace: randomUUID, crash: undefined, stop: async () => file.remove() };
    }
    case 'postgres': {
      const postgres = await Postgres.migrated({ own });
      return {
        place: { kind, where: postgres.url },
        namespace: randomUUID,
        disconnect: (name) => postgres.sql(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${name}'`),
        fill: (isFull) => fillPostgres(postgres, isFull),
        crash: (signal) => postgres.crash(signal),
        stop: () => postgres.stop(),
      };
    }
    case 'redis': {
      if (!own && named !== undefined) {
        const server = serverAt(named);
        const namespace = () => {
          const name = randomUUID();
          server.forget(name);
          return name;
        };
        return { place: { kind, where: named }, namespace, crash: undefined, stop: () => server.stop() };
      }
      return startRedis();
    }
  }
}

/** The second statement runs once: a trigger is created under a lock that waits for every commit. */
async function fillPostgres(postgres: Postgres, isFull: boolean): Promise<void> {
  const raise = `raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';`;
  await postgres.sql(`create or replace function jit_room() returns trigger language plpgsql as $$
    begin
      ${isFull ? raise : ''}
      return null;
    end $$`);
  const [found] = await postgres.sql(`select 1 from pg_trigger where tgname = 'jit_room'`);
  if (found === undefined)
    await postgres.sql(`create trigger jit_room before insert on jit_journal for each statement execute function jit_room()`);
}

async function fillRedis(url: string, isFull: boolean): Promise<void> {
  const client = await createClient({ url })
    .on('error', () => undefined)
    .connect();
  await client.configSet('maxmemory', isFull ? '1' : '0');
  client.destroy();
}

async function startRedis(): Promise<Durable> {
  if (!isInstalled) throw new Error(LEFT_OUT);
  const folder = await mkdtemp(join(tmpdir(), 'jit-access-redis-'));
  // Every answer was written before: a killed server loses none of it.
  const args = ['--appendonly', 'yes', '--appendfsync', 'always'];
  let server = await startServer(args, { folder });
  const { port } = server;
  return {
    place: { kind: 'redis', where: server.url },
    namespace: randomUUID,
    fill: (isFull) => fillRedis(server.url, isFull),
    async crash() {
      await server.stop('SIGKILL');
      server = await startServer(args, { folder, port });
    },
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
