import { randomUUID } from 'node:crypto';
import { isJitError, type GrantStore } from 'jit-access';
import { verifyJournal } from 'jit-access/journal';
import { contractNamespaces, redisGrantStore } from 'jit-access/redis';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { expect, it, vi } from 'vitest';
import type * as RowText from '../../../src/stores/redis/row-text.js';
import { keysIn, openedFor, type OpenedStore } from './opened.js';
import { describeRedis } from './server.js';

/** The functions of the entry `jit-access/redis`. */
interface Package {
  readonly redisGrantStore: typeof redisGrantStore;
  readonly contractNamespaces: typeof contractNamespaces;
}

const layoutOne: Package = { redisGrantStore, contractNamespaces };

/** The package with a later layout, which writes each row in another way. */
async function laterPackage(layout = 2): Promise<Package> {
  vi.resetModules();
  vi.doMock('../../../src/core/layout.js', async (original) => ({ ...(await original<object>()), LAYOUT: layout }));
  vi.doMock('../../../src/stores/redis/row-text.js', async (original) => {
    const actual = await original<typeof RowText>();
    return { ...actual, encodeRow: (row: Parameters<typeof actual.encodeRow>[0]) => marked(actual.encodeRow(row)) };
  });
  try {
    return await import('../../../src/redis.js');
  } finally {
    vi.doUnmock('../../../src/core/layout.js');
    vi.doUnmock('../../../src/stores/redis/row-text.js');
  }
}
/** JSON may have a blank at its end: both layouts read it. */
const marked = (text: string) => (text.endsWith(' ') ? text : `${text} `);

const codeOf = (work: () => unknown): Promise<string> =>
  Promise.resolve()
    .then(work)
    .then(
      () => 'answered',
      (error: unknown) => (isJitError(error) || error instanceof Error ? String((error as { code?: unknown }).code) : String(error)),
    );

describeRedis('a namespace in Redis during an upgrade of the package', (server) => {
  const { store } = openedFor(server);

  /** A process of each layout over one namespace, in which the older one has written `count` rows. */
  async function fleet(count = 2) {
    const opened = await store();
    const { namespace } = opened.store;
    const next = await laterPackage();
    const newer = async (): Promise<OpenedStore> => {
      const connected = await store({ namespace });
      return { ...connected, store: next.redisGrantStore({ client: connected.client, namespace }) };
    };
    const [head = '', rows = '', index = ''] = keysIn(namespace);
    for (let n = 0; n < count; n += 200) {
      const put = Array.from({ length: Math.min(200, count - n) }, (_, i) => aRow({ id: `r${n + i}`, subject: `user:${n + i}` }));
      await opened.store.commit(aChange({ put, append: [anEntry({ namespace, id: `given${n}.1` })] }));
    }
    const layout = async () => (await opened.send('HMGET', head, 'version', 'readableFrom')) as readonly unknown[];
    const older = async () => (await opened.send('ZRANGE', index, '[older\0', '(older\x01', 'BYLEX')) as readonly string[];
    const unmarked = async () => ((await opened.send('HVALS', rows)) as readonly string[]).filter((text) => !text.endsWith(' ')).length;
    const contract = (one = next, client = opened.client) => one.contractNamespaces({ client, namespaces: [namespace] });
    const change = (id: string, over: Parameters<typeof aRow>[0] = {}) => {
      const name = `${id}-${over.version ?? 1}`;
      return aChange({ id: name, put: [aRow({ id, ...over })], append: [anEntry({ namespace, id: `${name}.1` })] });
    };
    return { ...opened, namespace, old: opened.store, new: await newer(), next, head, layout, older, unmarked, contract, change };
  }

  const isSound = async (one: GrantStore) => {
    const slice = await one.journal({ after: 0, limit: 1_000 });
    expect(await verifyJournal(slice.entries, { start: slice.start, head: slice.head })).toMatchObject({ ok: true });
    return slice.head.seq;
  };

  it('has both numbers in its head', async () => {
    const { layout } = await fleet();
    expect(await layout()).toEqual(['1', '1']);
  });

  it('is read by a newer process, which expands it in the script of its first commit', async () => {
    const { old, new: newer, layout, change, namespace } = await fleet();
    expect(await newer.store.get([aRow({ id: 'r0' })])).toEqual(await old.get([aRow({ id: 'r0' })]));
    expect(await newer.store.live({ subject: 'user:0', scope: 'db-prod:write', at: 0 })).toHaveLength(1);
    expect((await newer.store.heads?.([namespace]))?.[0]).toEqual((await newer.store.journal({ after: 0, limit: 1 })).head);
    expect(await layout()).toEqual(['1', '1']);
    expect(await newer.store.commit(change('r0'))).toMatchObject({ outcome: 'conflict' });
    expect(await newer.store.commit(change('new'))).toMatchObject({ outcome: 'committed' });
    expect(await layout()).toEqual(['2', '1']);
    // The older process continues.
    expect(await old.commit(change('new', { version: 2 }))).toMatchObject({ outcome: 'committed' });
    expect(await old.get([aRow({ id: 'new' })])).toMatchObject([{ version: 2 }]);
    expect(await isSound(old)).toBe(3);
  });

  it('is used by processes of both layouts where the newer one has created it', async () => {
    const { new: newer, layout, change, old } = await fleet(0);
    expect(await newer.store.commit(change('new'))).toMatchObject({ outcome: 'committed' });
    expect(await layout()).toEqual(['2', '1']);
    expect(await old.commit(change('new', { version: 2 }))).toMatchObject({ outcome: 'committed' });
  });

  it('refuses a change that older processes could not read, until the contract', async () => {
    const { new: newer, layout, change, contract, old } = await fleet();
    const binding = { ...change('binding'), needs: 2 };
    const before = await layout();
    await expect(newer.store.commit(binding)).rejects.toThrow(
      /layout 2, readable from layout 1; this change needs layout 2.*contract first/,
    );
    expect(await codeOf(() => newer.store.commit(binding))).toBe('ERR_JIT_LAYOUT');
    expect(await layout()).toEqual(before);
    expect(await old.get([aRow({ id: 'binding' })])).toEqual([undefined]);
    expect(await newer.store.commit(change('silent'))).toMatchObject({ outcome: 'committed' });
    expect(await codeOf(() => newer.store.commit(binding))).toBe('ERR_JIT_LAYOUT');
    await contract();
    expect(await newer.store.commit(binding)).toMatchObject({ outcome: 'committed' });
    // What an older process could not judge, it does not see.
    expect(await codeOf(() => old.live({ subject: 'user:maya', scope: 'db-prod:write', at: 0 }))).toBe('ERR_JIT_LAYOUT');
  });

  it('judges each change of a batch on its own, also one that needs the contract', async () => {
    const { new: newer, change } = await fleet();
    const outcomes = await Promise.allSettled([
      newer.store.commit(change('a')),
      newer.store.commit({ ...change('b'), needs: 2 }),
      newer.store.commit(change('c')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await newer.store.get(['a', 'b', 'c'].map((id) => ({ kind: 'grant', id })))).toMatchObject([
      { id: 'a' },
      undefined,
      { id: 'c' },
    ]);
  });

  it('lists what older processes write beside newer ones, and nothing else', async () => {
    const { old, new: newer, change, older } = await fleet();
    await old.commit(change('r0', { version: 2 }));
    expect(await older()).toEqual([]);
    await newer.store.commit(change('r1', { version: 2 }));
    expect(await older()).toEqual([]);
    await old.commit(change('r0', { version: 3 }));
    await old.commit(change('r1', { version: 3 }));
    expect(await older()).toEqual(['older\0grant\0r0', 'older\0grant\0r1']);
    await newer.store.commit(change('r0', { version: 4 }));
    await old.commit(aChange({ expect: [{ kind: 'grant', id: 'r1', version: 3 }], remove: [{ kind: 'grant', id: 'r1' }] }));
    expect(await older()).toEqual([]);
  });

  it('is contracted: every row is rewritten without an entry, and the older process is refused by name', async () => {
    const { old, new: newer, layout, older, unmarked, contract, change } = await fleet(1_000);
    await newer.store.commit(change('new'));
    await old.commit(change('r3', { version: 2, open: false, dueAt: undefined, sortAt: undefined }));
    const before = await newer.store.find({ kind: 'grant', limit: 1_000 });
    const { head } = await newer.store.journal({ after: 0, limit: 1 });
    expect(await contract()).toEqual({ namespaces: 1, rows: 1_000 });
    expect(await layout()).toEqual(['2', '2']);
    expect([await unmarked(), await older()]).toEqual([0, []]);
    expect(await newer.store.find({ kind: 'grant', limit: 1_000 })).toEqual(before);
    expect((await newer.store.journal({ after: 0, limit: 1 })).head).toEqual(head);
    for (const ask of [
      () => old.get([aRow()]),
      () => old.live({ subject: 'user:0', scope: 'db-prod:write', at: 0 }),
      () => old.live({ subject: 'user:0', at: 0 }),
      () => old.find({ kind: 'grant', limit: 1 }),
      () => old.due({ at: 0, limit: 1 }),
      () => old.context?.({ keys: [aRow()] }),
      () => old.journal({ after: 0, limit: 1 }),
      () => old.commit(change('late')),
      () => old.commit(aChange()),
    ])
      expect(await codeOf(ask)).toBe('ERR_JIT_LAYOUT');
    expect(await old.heads?.([old.namespace])).toEqual([undefined]);
    // Every list of the newer process still follows a change.
    expect(
      await newer.store.commit(change('r5', { version: 2, subject: 'user:5', open: false, dueAt: undefined, sortAt: undefined })),
    ).toMatchObject({
      outcome: 'committed',
    });
    expect(await newer.store.live({ subject: 'user:5', at: 0 })).toEqual([]);
    expect(await contract()).toEqual({ namespaces: 1, rows: 0 });
  });

  it('is contracted without a commit of a newer process before', async () => {
    const { layout, unmarked, contract } = await fleet(10);
    expect(await contract()).toEqual({ namespaces: 1, rows: 10 });
    expect([await layout(), await unmarked()]).toEqual([['2', '2'], 0]);
  });

  it('continues a contract that was killed, from the last step that the server has run', async () => {
    const { contract, client, layout, unmarked, new: newer, change } = await fleet(1_000);
    let [runs, left] = [0, await unmarked()];
    for (let isDone = false; !isDone; runs++) {
      let steps = 0;
      const dying = {
        ...client,
        async send(command: readonly string[]) {
          const isStep = command[2] === '6';
          if (!isStep || ++steps <= 2) return client.send(command);
          // In every other run the script still runs, and only its reply is lost.
          if (runs % 2 === 1) await client.send(command);
          throw new Error('killed');
        },
      };
      isDone = (await codeOf(() => contract(undefined, dying))) === 'answered';
      const now = await unmarked();
      if (left > 0) expect(now).toBeLessThan(left);
      left = now;
      expect(await layout()).toEqual(isDone ? ['2', '2'] : ['2', '1']);
    }
    expect(runs).toBeGreaterThan(3);
    expect(left).toBe(0);
    expect(await newer.store.commit(change('r7', { version: 2 }))).toMatchObject({ outcome: 'committed' });
  });

  it('meets writes of an older process in flight: each one is kept, or refused by name', async () => {
    const { old, new: newer, contract, change, unmarked, older } = await fleet(2_000);
    const committed = new Map<string, number>();
    const write = async (id: string) => {
      for (let version = 1; ; version++) {
        await old.commit(change(id, { version }));
        committed.set(id, version);
      }
    };
    const writing = Array.from({ length: 8 }, (_, i) => codeOf(() => write(`w${i}`)));
    const report = await contract();
    expect(new Set(await Promise.all(writing))).toEqual(new Set(['ERR_JIT_LAYOUT']));
    expect(report.rows).toBeGreaterThanOrEqual(2_000);
    expect([await unmarked(), await older()]).toEqual([0, []]);
    const rows = await newer.store.get([...committed.keys()].map((id) => ({ kind: 'grant', id })));
    expect(rows.map((row) => row?.version)).toEqual([...committed.values()]);
    expect(committed.size).toBe(8);
    await isSound(newer.store);
  });

  it('lets older processes read, and no longer write, before the last step of the contract', async () => {
    const { old, new: newer, contract, client, change, layout } = await fleet(10);
    await newer.store.commit(change('new'));
    let steps = 0;
    const dying = {
      ...client,
      async send(command: readonly string[]) {
        if (command[2] === '6') steps += 1;
        // A row that no step has read yet. The step that writes it, which is the last one, is not sent.
        if (steps === 2) await old.commit(change('late'));
        if (steps === 3) throw new Error('killed');
        return client.send(command);
      },
    };
    expect(await codeOf(() => contract(undefined, dying))).toBe('ERR_JIT_STORE');
    expect(await layout()).toEqual(['2', '1']);
    expect(await codeOf(() => old.commit(change('later')))).toBe('ERR_JIT_LAYOUT');
    expect(await old.live({ subject: 'user:0', scope: 'db-prod:write', at: 0 })).toHaveLength(1);
    await contract();
    expect(await layout()).toEqual(['2', '2']);
  });

  it('starts again over a namespace that a package of an older layout may use: it changes nothing', async () => {
    const { new: newer, namespace, change, contract, layout } = await fleet();
    await newer.store.commit(change('new'));
    const again = await store({ namespace });
    expect(await again.store.live({ subject: 'user:0', scope: 'db-prod:write', at: 0 })).toHaveLength(1);
    expect(await again.store.commit(aChange())).toMatchObject({ outcome: 'committed' });
    expect(await layout()).toEqual(['2', '1']);
    expect(await contract(layoutOne)).toEqual({ namespaces: 1, rows: 0 });
    expect(await layout()).toEqual(['2', '1']);
  });

  it('is not contracted by a package of a layout in between, which could not rewrite its rows', async () => {
    const { namespace, client, change, contract, layout } = await fleet();
    const last = await laterPackage(3);
    await last.redisGrantStore({ client, namespace }).commit(change('new'));
    await expect(contract()).rejects.toThrow(/has layout 3: run the contract of that version of the package/);
    expect(await layout()).toEqual(['3', '1']);
    expect(await contract(last)).toEqual({ namespaces: 1, rows: 2 });
    expect(await layout()).toEqual(['3', '3']);
  });

  it('is contracted beside others: one that fails, was never used, or has moved does not stop it', async () => {
    const [one, other] = [await fleet(3), await fleet(3)];
    const unused = randomUUID();
    const moved = await fleet(3);
    await moved.send('HSET', moved.head, 'moved', 'elsewhere');
    await one.send('HDEL', one.head, 'hash');
    const { client } = other;
    const namespaces = [one.namespace, unused, moved.namespace, other.namespace];
    await expect(one.next.contractNamespaces({ client, namespaces })).rejects.toThrow(/lacks its seq or hash/);
    expect([await one.layout(), await moved.layout(), await other.layout()]).toEqual([
      ['1', '1'],
      ['1', '1'],
      ['2', '2'],
    ]);
    expect(await other.send('EXISTS', ...keysIn(unused))).toBe(0);
    expect(await other.next.contractNamespaces({ client, namespaces: namespaces.slice(1) })).toEqual({ namespaces: 1, rows: 0 });
  });

  it('keeps a row that another program has damaged as it is', async () => {
    const { contract, send, namespace, layout } = await fleet(3);
    const rows = String(keysIn(namespace)[1]);
    const text = String(await send('HGET', rows, 'grant\0r1'));
    for (const damaged of [text.replace(/\{.*$/s, '{'), text.replace(/\d{13}/, 'soon')]) {
      expect(damaged).not.toBe(text);
      await send('HSET', rows, 'grant\0r1', damaged);
      await contract();
      expect(await send('HGET', rows, 'grant\0r1')).toBe(damaged);
      expect(await layout()).toEqual(['2', '2']);
      await send('HSET', String(keysIn(namespace)[0]), 'version', '1', 'readableFrom', '1', 'contract', '');
    }
  });

  it('[A24] reports the progress of its contract, and no listener stops it', async () => {
    const { client, next, namespace } = await fleet(600);
    const seen: { namespaces: number; rows: number }[] = [];
    const onProgress = (progress: { namespaces: number; rows: number }) => {
      seen.push(progress);
      throw new Error('a listener that fails');
    };
    const report = await next.contractNamespaces({ client, namespaces: [namespace], onProgress });
    expect(report).toEqual({ namespaces: 1, rows: 600 });
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.slice(0, -1).every(({ namespaces }) => namespaces === 0)).toBe(true);
    expect(seen.some(({ rows }) => rows > 0 && rows < 600)).toBe(true);
    expect(seen.at(-1)).toEqual(report);
  });

  it('is contracted only with options that the store would take', async () => {
    const { client } = await fleet(0);
    for (const options of [
      { client },
      { client, namespaces: 'payments' },
      { client, namespaces: [''] },
      { namespaces: [] },
      { client, namespaces: [], contract: true },
      { client, namespaces: [], onProgress: 'log' },
    ])
      await expect(contractNamespaces(options as never)).rejects.toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT' });
  });
});
