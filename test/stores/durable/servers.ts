import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInstalled, LEFT_OUT, named, serverAt, startServer } from '../redis/started.js';
import { Postgres } from '../sql/postgres.js';
import { SqliteFile } from '../sql/sqlite.js';
import type { Kind, Place } from './place.js';

/** What holds a durable store: a server that was started, or a file. */
export interface Durable {
  readonly place: Place;
  /** A new name, of whose space nothing is left on a server that goes on. */
  namespace(): string;
  /** Stops it at once, with all that is under way, and starts it again; not on SQLite, which has no server. */
  readonly crash: ((signal: 'SIGQUIT' | 'SIGKILL') => Promise<void>) | undefined;
  stop(): Promise<void>;
}

/**
 * Whether there is one to be had: PostgreSQL and SQLite come with the packages, a Redis has to be installed.
 *
 * @param own one that may be crashed
 */
export const isAvailable = (kind: Kind, own = false): boolean => kind !== 'redis' || isInstalled || (named !== undefined && !own);

/** @param own it is going to be crashed: never one that was named to the tests */
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

async function startRedis(): Promise<Durable> {
  if (!isInstalled) throw new Error(LEFT_OUT);
  const folder = await mkdtemp(join(tmpdir(), 'jit-access-redis-'));
  // What has been answered has been written: a server that is killed loses nothing of it.
  const args = ['--appendonly', 'yes', '--appendfsync', 'always'];
  let server = await startServer(args, { folder });
  const { port } = server;
  return {
    place: { kind: 'redis', where: server.url },
    namespace: randomUUID,
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
