import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withstand } from '../withstand.js';
import { CLIENTS } from './clients.js';
import { openedFor } from './opened.js';
import { describeRedis } from './server.js';

for (const [name, make] of Object.entries(CLIENTS)) {
  describeRedis(
    `redisGrantStore over ${name}, on a faulty server`,
    (server) => {
      const { store, connect, after } = openedFor(server);

      /** A store with a connection that may be blocked, and commands that configure its server. */
      async function opened() {
        const [{ store: one }, admin, other] = [await store({}, make), await connect(), await connect()];
        const set = (...settings: string[]) => admin.send('CONFIG', 'SET', ...settings);
        const info = async (section: string) => String(await admin.send('INFO', section));
        return { store: one, admin, other, set, info };
      }

      it('denies and writes nothing while the server loads its data, and has the data afterwards (L30)', async () => {
        const { store, admin, other, set, info } = await opened();
        // At this pace loading would take longer than the test; the end of the fault speeds it up.
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

      it('denies and writes nothing while an endless script of another client runs (L30)', async () => {
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

      it("adds nothing while the server's memory is full, but records ends and answers reads (L30)", async () => {
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

      it('denies and writes nothing where the server cannot save to its disk (L30)', async () => {
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
            // No file can be written in its place, for any user of the server.
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

      it('denies and writes nothing while the server is a replica (L30, L41)', async () => {
        const { store, admin } = await opened();
        await withstand({
          store,
          // A replica of a primary that does not exist: it keeps its data.
          begin: () => admin.send('REPLICAOF', '127.0.0.1', '1'),
          end: () => admin.send('REPLICAOF', 'NO', 'ONE'),
          says: /READONLY/,
          reads: 'are refused',
        });
      });

      it('denies and writes nothing where the server is a replica without a primary that may not serve stale data (L30)', async () => {
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
