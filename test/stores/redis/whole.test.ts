import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isJitError } from 'jit-access';
import { redisGrantStore } from 'jit-access/redis';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { expect, it } from 'vitest';
import { CLIENTS } from './clients.js';
import { dumpOf, keysIn, openedFor, type OpenedStore } from './opened.js';
import { describeRedis } from './server.js';

const rows = ['a', 'b', 'c'].map((id) => aRow({ id }));

/** A change that touches every key: it writes, replaces and removes rows, appends, and trims. */
const touchingAll = (namespace: string) =>
  aChange({
    expect: rows.map(({ kind, id }) => ({ kind, id, version: id === 'c' ? 0 : 1 })),
    put: [{ ...aRow({ id: 'a', version: 2, open: false, dueAt: undefined }) }, aRow({ id: 'c' })],
    remove: [{ kind: 'grant', id: 'b' }],
    append: [anEntry({ namespace, id: 'second.1' })],
    trimJournalTo: 1,
  });

async function withTwoRows(opened: OpenedStore) {
  const { namespace } = opened.store;
  await opened.store.commit(aChange({ put: rows.slice(0, 2), append: [anEntry({ namespace, id: 'first.1' })] }));
  return { change: touchingAll(namespace), keys: keysIn(namespace) };
}

/** The change is refused with a definite outcome, and changes nothing. */
async function isRefusedWhole(
  opened: OpenedStore,
  reason: RegExp,
  { change, keys }: Awaited<ReturnType<typeof withTwoRows>>,
  code = 'ERR_JIT_STORE',
) {
  const before = await dumpOf(opened, keys);
  const error: unknown = await opened.store.commit(change).catch((thrown: unknown) => thrown);
  expect(isJitError(error) && error.code).toBe(code);
  expect(String(error)).toMatch(reason);
  expect(await dumpOf(opened, keys)).toEqual(before);
}

describeRedis(
  'a commit to Redis that cannot be complete',
  (server) => {
    const { store, connect, after } = openedFor(server);

    it.each([0, 1, 2, 3, 4, 5])('is refused before its first write where key %i has another type', async (i) => {
      for (const write of [
        ['SET', 'x'],
        ['LPUSH', 'x'],
      ] as const) {
        const opened = await store();
        const given = await withTwoRows(opened);
        const key = given.keys[i] as string;
        await opened.send('DEL', key);
        await opened.send(write[0], key, write[1]);
        await isRefusedWhole(opened, /is a (string|list) instead of a (hash|zset); nothing was written/, given);
        // Once the key is right again, the store has everything or has lost that key's data: never a part of the change.
        expect(await opened.send('TYPE', key)).toBe(write[0] === 'SET' ? 'string' : 'list');
      }
    });

    it.each(['hset', 'hdel', 'zadd', 'zrem', 'zremrangebyscore', 'type', 'hget'])(
      'is refused for a user who may not run %s',
      async (command) => {
        const admin = await store();
        const given = await withTwoRows(admin);
        const user = `u${randomUUID()}`;
        await admin.send('ACL', 'SETUSER', user, 'on', '>pass', '~*', '&*', '+@all', `-${command}`);
        after(() => connect().then(({ send }) => send('ACL', 'DELUSER', user)));
        const { client } = await connect(undefined, server().url.replace('//', `//${user}:pass@`));
        const limited = { ...admin, store: redisGrantStore({ client, namespace: admin.store.namespace }) };
        const before = await dumpOf(admin, given.keys);
        await expect(limited.store.commit(given.change)).rejects.toThrow(/nothing was written|permission|outcome|learnt/);
        expect(await dumpOf(admin, given.keys)).toEqual(before);
      },
    );

    it('is accepted for a user who may not publish', async () => {
      const admin = await store();
      const given = await withTwoRows(admin);
      const user = `u${randomUUID()}`;
      await admin.send('ACL', 'SETUSER', user, 'on', '>pass', '~*', 'resetchannels', '+@all', '-publish');
      after(() => connect().then(({ send }) => send('ACL', 'DELUSER', user)));
      const { client } = await connect(undefined, server().url.replace('//', `//${user}:pass@`));
      expect(await redisGrantStore({ client, namespace: admin.store.namespace }).commit(given.change)).toMatchObject({
        outcome: 'committed',
      });
    });

    it('is refused where the server is out of memory', async () => {
      const opened = await store();
      const given = await withTwoRows(opened);
      await opened.send('CONFIG', 'SET', 'maxmemory', '1');
      after(() => connect().then(({ send }) => send('CONFIG', 'SET', 'maxmemory', '0')));
      const adding = aChange({ put: [aRow({ id: 'new' })], append: [anEntry({ namespace: opened.store.namespace, id: 'new.1' })] });
      await isRefusedWhole(opened, /OOM/, { ...given, change: adding });
      expect(await opened.store.get([rows[0] as (typeof rows)[0]])).toEqual([rows[0]]);
      await opened.send('CONFIG', 'SET', 'maxmemory', '0');
      expect(await opened.store.commit(adding)).toMatchObject({ outcome: 'committed' });
    });

    it('is refused where the server has too few replicas', async () => {
      const opened = await store();
      const given = await withTwoRows(opened);
      await opened.send('CONFIG', 'SET', 'min-replicas-to-write', '1');
      after(() => connect().then(({ send }) => send('CONFIG', 'SET', 'min-replicas-to-write', '0')));
      await isRefusedWhole(opened, /NOREPLICAS/, given);
    });

    it('is refused where the head is missing: no second journal starts', async () => {
      const opened = await store();
      const given = await withTwoRows(opened);
      await opened.send('DEL', given.keys[0] as string);
      await isRefusedWhole(opened, /head is missing/, given);
      await expect(opened.store.journal({ after: 0, limit: 10 })).rejects.toThrow(/the head is missing/);
    });

    it('is refused in a layout that this version may not use, or without one', async () => {
      const opened = await store();
      const given = await withTwoRows(opened);
      await opened.send('HSET', given.keys[0] as string, 'version', '3', 'readableFrom', '2');
      await isRefusedWhole(
        opened,
        /have layout 3, readable from layout 2; this process knows layout 1: update it/,
        given,
        'ERR_JIT_LAYOUT',
      );
      for (const field of ['version', 'readableFrom']) {
        await opened.send('HSET', given.keys[0] as string, 'version', '1', 'readableFrom', '1');
        await opened.send('HDEL', given.keys[0] as string, field);
        await isRefusedWhole(opened, /lacks its layout/, given);
      }
    });

    it('is refused where a row in expect, or the entry at trimJournalTo, is malformed', async () => {
      const opened = await store();
      const given = await withTwoRows(opened);
      const [, rowsKey = '', , , journalKey = ''] = given.keys;
      const row = await opened.send('HGET', rowsKey, 'grant\0a');
      await opened.send('HSET', rowsKey, 'grant\0a', 'grant\0a\x001');
      await isRefusedWhole(opened, /malformed, or of another version/, given);
      await opened.send('HSET', rowsKey, 'grant\0a', row as string);
      // The same number as before, so that no count differs.
      await opened.send('HDEL', journalKey, '1');
      await opened.send('HSET', journalKey, '01', 'x');
      await isRefusedWhole(opened, /malformed, or of another version/, given);
    });

    it('is followed by reads that reject when a row of the index is missing', async () => {
      const opened = await store();
      const given = await withTwoRows(opened);
      // The same number as before, so that no count differs.
      await opened.send('HDEL', given.keys[1] as string, 'grant\0a');
      await opened.send('HSET', given.keys[1] as string, 'grant\0other', 'x');
      await expect(opened.store.find({ kind: 'grant', limit: 10 })).rejects.toThrow(/a row that is in the index is missing/);
      await expect(opened.store.due({ at: 8.64e15, limit: 10 })).rejects.toThrow(/a row that is due is missing/);
      await expect(opened.store.live({ subject: 'user:maya', at: 0 })).rejects.toThrow(/a live row is missing/);
      await expect(opened.store.live({ subject: 'user:maya', scope: 'db-prod:write', at: 0 })).rejects.toThrow(/a live row is missing/);
      await opened.send('HDEL', given.keys[4] as string, '1');
      await opened.send('HSET', given.keys[4] as string, '01', 'x');
      await expect(opened.store.journal({ after: 0, limit: 10 })).rejects.toThrow(/an entry of the journal is missing/);
    });

    it('sets no expiry, and uses only its six keys', async () => {
      const opened = await store();
      const { change, keys } = await withTwoRows(opened);
      await opened.store.commit(change);
      const found = (await opened.send('KEYS', `{jit:${opened.store.namespace}}*`)) as string[];
      expect(found.sort()).toEqual([...keys].sort());
      expect(await Promise.all(keys.map((key) => opened.send('TTL', key)))).toEqual(keys.map(() => -1));
    });
  },
  { own: true },
);

describeRedis(
  'the user in the docs for Redis',
  (server) => {
    const { store, connect, after } = openedFor(server);

    it('may run every command of the store, and no other', async () => {
      const page = await readFile(new URL('../../../docs/guides/stores/redis.md', import.meta.url), 'utf8');
      const rules = /ACL SETUSER jit ([^`]+)/.exec(page)?.[1]?.match(/[^\s'\\]+/g) ?? [];
      const admin = await connect();
      await admin.send('ACL', 'SETUSER', 'jit', ...rules);
      after(() => connect().then(({ send }) => send('ACL', 'DELUSER', 'jit')));
      const url = server().url.replace('//', '//jit:secret@');
      for (const make of Object.values(CLIENTS)) {
        const opened = await store({}, make, url);
        const woken = new Promise<void>((resolve) => after(opened.store.watch?.(() => resolve()) ?? (() => undefined)));
        const { change } = await withTwoRows(opened);
        expect(await opened.store.commit(change)).toMatchObject({ outcome: 'committed' });
        expect(await opened.store.commit(change)).toMatchObject({ outcome: 'committed' });
        await woken;
        expect(await opened.store.get([{ kind: 'grant', id: 'a' }])).toMatchObject([{ version: 2 }]);
        expect(await opened.store.live({ subject: 'user:maya', scope: 'db-prod:write', at: 0 })).toHaveLength(1);
        expect(await opened.store.live({ subject: 'user:maya', at: 0 })).toHaveLength(1);
        expect((await opened.store.find({ kind: 'grant', limit: 5 })).items).toHaveLength(2);
        expect((await opened.store.due({ at: 8.64e15, limit: 5 })).items).toHaveLength(1);
        expect((await opened.store.journal({ after: 0, limit: 5 })).entries).toHaveLength(1);
        await expect(opened.send('SET', `{jit:${opened.store.namespace}}:x`, '1')).rejects.toThrow(/NOPERM/);
        await expect(opened.send('HGET', 'x', '1')).rejects.toThrow(/NOPERM/);
      }
    });
  },
  { own: true },
);
