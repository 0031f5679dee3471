import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withstand } from '../withstand.js';
import { CLIENTS } from './clients.js';
import { openedFor } from './opened.js';
import { describeRedis } from './server.js';

for (const [name, make] of Object.entries(CLIENTS)) {
  describeRedis(
    `redisGrantStore over ${name}, on a server in trouble`,
    (server) => {
      const { store, connect, after } = openedFor(server);

      /** A store, and what configures its server past it, with a connection that may be blocked. */
      async function opened() {
        const [{ store: one }, admin, other] = [await store({}, make), await connect(), await connect()];
        const set = (...settings: string[]) => admin.send('CONFIG', 'SET', ...settings);
        const info = async (section: string) => String(await admin.send('INFO', section));
        return { store: one, admin, other, set, info };
      }

      it('denies and writes nothing while it loads its data, which it then has (L30)', async () => {
        const { store, admin, other, set, info } = await opened();
        // At this pace it would take longer than the test may; its end lets it go on at once.
        await admin.send('DEBUG', 'POPULATE', '40000', 'filler', '500');
        await set('loading-process-events-interval-bytes', '1024');
        let loaded: Promise<unknown>;
        await withstand({
          store,
          async begin() {
            await set('key-load-delay', '2000');
            loaded = other.send('DEBUG', 'RELOAD');
            while (!(await info('persistence')).includes('loading:1'));
          },
          async end() {
            await set('key-load-delay', '0');
            await loaded;
          },
          says: /LOADING/,
          reads: 'are refused',
        });
        await admin.send('FLUSHALL');
      });

      it('denies and writes nothing while a script of somebody else goes on and on (L30)', async () => {
        const { store, admin, other, set } = await opened();
        let ended: Promise<unknown>;
        await withstand({
          store,
          async begin() {
            await set('busy-reply-threshold', '1');
            ended = other.send('EVAL', 'while true do end', '0').catch(() => undefined);
            while (!String(await admin.send('PING').catch(String)).includes('BUSY'));
          },
          async end() {
            await admin.send('SCRIPT', 'KILL');
            await ended;
            await set('busy-reply-threshold', '5000');
          },
          says: /BUSY/,
          reads: 'are refused',
        });
      });

      it('adds nothing where its memory is full, ends what it has, and answers from it (L30)', async () => {
        const { store, set } = await opened();
        await withstand({
          store,
          begin: () => set('maxmemory', '1'),
          end: () => set('maxmemory', '0'),
          says: /OOM/,
          reads: 'go on',
          ends: 'go on',
        });
      });

      it('denies and writes nothing where it can’t save to its disk (L30)', async () => {
        const { store, admin, set, info } = await opened();
        const folder = String(Object.values((await admin.send('CONFIG', 'GET', 'dir')) as object)[0]);
        const saved = async () => {
          await admin.send('BGSAVE');
          while ((await info('persistence')).includes('rdb_bgsave_in_progress:1'));
          return (await info('persistence')).includes('rdb_last_bgsave_status:ok');
        };
        await set('save', '3600 1');
        after(() => connect().then(({ send }) => send('CONFIG', 'SET', 'save', '')));
        await withstand({
          store,
          async begin() {
            // No file can take its place, whoever the server runs as.
            await set('dbfilename', 'taken.rdb');
            await mkdir(join(folder, 'taken.rdb'));
            expect(await saved()).toBe(false);
          },
          async end() {
            await rmdir(join(folder, 'taken.rdb'));
            expect(await saved()).toBe(true);
          },
          says: /MISCONF/,
          reads: 'are refused',
        });
      });

      it('denies and writes nothing where it has been made a replica, until it is none (L30, L41)', async () => {
        const { store, admin } = await opened();
        await withstand({
          store,
          // Of a primary that isn't there: it keeps what it has.
          begin: () => admin.send('REPLICAOF', '127.0.0.1', '1'),
          end: () => admin.send('REPLICAOF', 'NO', 'ONE'),
          says: /READONLY/,
          reads: 'are refused',
        });
      });

      it('denies and writes nothing where it is a replica that has lost its primary, and may not be behind (L30)', async () => {
        const { store, admin, set } = await opened();
        await set('replica-serve-stale-data', 'no');
        after(() => connect().then(({ send }) => send('CONFIG', 'SET', 'replica-serve-stale-data', 'yes')));
        await withstand({
          store,
          begin: () => admin.send('REPLICAOF', '127.0.0.1', '1'),
          end: () => admin.send('REPLICAOF', 'NO', 'ONE'),
          says: /MASTERDOWN|READONLY/,
          reads: 'are refused',
        });
      });
    },
    { own: true, args: ['--enable-debug-command', 'local', '--enable-protected-configs', 'local'] },
  );
}
