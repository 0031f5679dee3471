import { JitEngine, reviewers } from 'jit-access';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { expect, it } from 'vitest';
import { keysIn, openedFor, type OpenedStore } from './opened.js';
import { describeRedis } from './server.js';

const MAYA = 'user:maya';
const BY = { by: 'user:sam' };

/** The message of the refusal, or 'answered'. */
const answerOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'answered',
    (error: unknown) => (error as Error).message,
  );

describeRedis('a namespace in Redis that another program has changed', (server) => {
  const { store } = openedFor(server);

  /** An engine with a grant, and the keys of its namespace. */
  async function granted() {
    const opened = await store();
    const errors: unknown[] = [];
    const engine = new JitEngine({
      store: opened.store,
      approver: reviewers({ members: ['user:sam'] }),
      onError: (error: unknown) => void errors.push(error),
    });
    const grant = async (scope: string) => {
      const { request } = await engine.requestAccess({ subject: MAYA, scope, ttl: '1h' });
      await engine.approve(request.id, BY);
      return `${request.id}.1`;
    };
    const held = await grant('a:b');
    const [head = '', rows = '', index = '', live = '', journal = '', changes = ''] = keysIn(opened.store.namespace);
    const check = (scope = 'a:b') => engine.isAllowed(MAYA, scope).catch(() => 'refused');
    expect(await check()).toBe(true);
    return { ...opened, engine, grant, held, check, head, rows, index, live, journal, changes };
  }
  type Granted = Awaited<ReturnType<typeof granted>>;

  const readsOf = ({ store: one }: OpenedStore) => ({
    get: () => one.get([aRow()]),
    'live on a scope': async () => one.live({ subject: MAYA, scope: 'a:b', at: 0 }),
    'live on all scopes': async () => one.live({ subject: MAYA, at: 0 }),
    find: () => one.find({ kind: 'grant', limit: 9 }),
    context: async () => one.context?.({ keys: [aRow()], live: { subject: MAYA, at: 0 } }),
    due: () => one.due({ at: 8.64e15, limit: 9 }),
  });

  it('allows nothing by an old field of live that is restored after a revoke (L12) [V8]', async () => {
    const { engine, held, check, send, live } = await granted();
    const field = '+user:maya\0+a:b';
    const old = String(await send('HGET', live, field));
    await engine.revoke(held, BY);
    expect(await check()).toBe(false);
    await send('HSET', live, field, old);
    expect(await check()).not.toBe(true);
  });

  it('allows nothing by a field of live that names an ended grant next to a live one, or the grant of another scope [V8]', async () => {
    const { engine, grant, held, check, send, live } = await granted();
    const other = await grant('c:d');
    await engine.revoke(held, BY);
    const field = '+user:maya\0+c:d';
    for (const named of [[held, other], [held]]) {
      // The same number of fields as before, so that no count differs.
      await send('HSET', live, field, named.map((id) => `grant\0${id}`).join('\x02'));
      expect(await check('c:d')).toBe('refused');
      expect(await check()).not.toBe(true);
    }
  });

  it('rejects revokeAll, checks and requests without its index (L30) [V8]', async () => {
    const { engine, check, send, index } = await granted();
    await send('DEL', index);
    expect(await answerOf(engine.revokeAll({ subject: MAYA }, BY))).toMatch(/index/);
    expect(await check()).toBe('refused');
    expect(await answerOf(engine.requestAccess({ subject: MAYA, scope: 'c:d', ttl: '1h' }))).toMatch(/index/);
  });

  it('rejects checks and requests without its rows (L30) [V8]', async () => {
    const { engine, held, check, send, rows } = await granted();
    await send('DEL', rows);
    expect(await check()).toBe('refused');
    expect(await answerOf(engine.revoke(held, BY))).toMatch(/rows/);
    expect(await answerOf(engine.requestAccess({ subject: MAYA, scope: 'c:d', ttl: '1h' }))).toMatch(/rows/);
  });

  const damages: Readonly<Record<string, (one: Granted) => Promise<unknown>>> = {
    'a row is missing': ({ send, rows, held }) => send('HDEL', rows, `grant\0${held}`),
    'there is a row too many': ({ send, rows }) => send('HSET', rows, 'grant\0x', 'x'),
    'a line of the index is missing': async ({ send, index, held }) => {
      const lines = (await send('ZRANGE', index, '0', '-1')) as readonly string[];
      const line = lines.find((one) => one.startsWith('find\0grant\0') && one.endsWith(held));
      expect(await send('ZREM', index, String(line))).toBe(1);
    },
    'there is a line of the index too many': ({ send, index }) => send('ZADD', index, '0', 'find\0grant\x001\0\0x'),
    'a field of live is missing': ({ send, live }) => send('HDEL', live, '+user:maya\0+a:b'),
    'live is missing': ({ send, live }) => send('DEL', live),
  };
  it.each(Object.entries(damages))('refuses every read and every commit where %s [V8]', async (_, damage) => {
    const given = await granted();
    await damage(given);
    for (const [name, read] of Object.entries(readsOf(given)))
      expect(await answerOf(read()), name).toMatch(/another program has changed this namespace/);
    const change = aChange({ put: [aRow({ id: 'new' })], append: [anEntry({ namespace: given.store.namespace })] });
    expect(await answerOf(given.store.commit(change))).toMatch(/another program has changed this namespace.*nothing was written/);
  });

  it.each(['journal', 'changes'] as const)('refuses commits where an element of %s is missing [V8]', async (key) => {
    const given = await granted();
    await given.send(...(key === 'journal' ? ['HDEL', given.journal, '1'] : ['ZREMRANGEBYRANK', given.changes, '0', '0']));
    const change = aChange({ put: [aRow({ id: 'new' })], append: [anEntry({ namespace: given.store.namespace })] });
    expect(await answerOf(given.store.commit(change))).toMatch(/another program has changed this namespace.*nothing was written/);
    if (key === 'journal')
      expect(await answerOf(given.store.journal({ after: 0, limit: 1 }))).toMatch(/another program has changed this namespace/);
  });

  it('has no head for a damaged namespace, and still lists the other heads (L38)', async () => {
    const damage: readonly ((one: Granted) => Promise<unknown>)[] = [
      ({ send, head }) => send('DEL', head),
      ({ send, journal }) => send('DEL', journal),
      ({ send, journal }) => send('HDEL', journal, '1'),
      ({ send, head }) => send('HSET', head, 'version', '2', 'readableFrom', '2'),
      ({ send, head }) => send('HDEL', head, 'readableFrom'),
      ({ send, head }) => send('HDEL', head, 'hash'),
      ({ send, head }) => send('SET', head, 'text'),
      ({ send, journal }) => send('SET', journal, 'text'),
    ];
    const whole = await granted();
    const { head } = await whole.store.journal({ after: 0, limit: 1 });
    for (const harm of damage) {
      const given = await granted();
      await harm(given);
      const names = [given.store.namespace, whole.store.namespace, `${given.store.namespace}-unused`];
      expect(await given.store.heads?.(names)).toEqual([undefined, head, { seq: 0, hash: '0'.repeat(64) }]);
      expect(await answerOf(given.store.journal({ after: 0, limit: 1 }))).not.toBe('answered');
    }
  });

  it('refuses every read of a layout that this version may not use [V8]', async () => {
    const given = await granted();
    const reads = { ...readsOf(given), journal: () => given.store.journal({ after: 0, limit: 1 }) };
    await given.send('HSET', given.head, 'version', '3', 'readableFrom', '2');
    for (const [name, read] of Object.entries(reads)) {
      expect(await answerOf(read()), name).toBe(
        'the stored data have layout 3, readable from layout 2; this process knows layout 1: update it',
      );
    }
    expect(await given.check()).toBe('refused');
    await given.send('HDEL', given.head, 'readableFrom');
    for (const [name, read] of Object.entries(reads)) expect(await answerOf(read()), name).toMatch(/lacks its layout$/);
  });
});
