import * as explaining from 'jit-access/explain';
import * as links from 'jit-access/links';
import * as provisioning from 'jit-access/provisioning';
import * as retention from 'jit-access/retention';
import * as work from 'jit-access/work';
import { journalHead } from '../../src/journal.js';
import { describe, expect, it } from 'vitest';
import { isJitError, JitEngine, MemoryGrantStore, StoreError, type GrantStore } from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { FaultyStore, RecordingSink, ScriptedApprover, type Fault, type StoreMethod } from '../../src/testing.js';
import { aGranted, ANA, anEngine, ask, at, entriesOf, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from '../engine/an-engine.js';
import { askWith, RECORDED_ASKS, type LaterFault } from './after-the-record.js';
import { everything, expectWhole, prepared, VERBS } from './verbs.js';
import { CONFLICT } from '../commit-answers.js';

const { removeSink } = retention;

const METHODS: readonly StoreMethod[] = ['get', 'live', 'find', 'due', 'commit', 'journal'];

/** Answers that no store may give. If a method returns a list, a list of nonsense is among them. */
const NONSENSE: readonly unknown[] = [
  undefined,
  null,
  true,
  'committed!',
  7,
  {},
  [null],
  [7],
  [{}],
  { items: null },
  { items: [null] },
  { items: [{}] },
  { entries: 7 },
];

const FAULTS: Readonly<Record<string, readonly Fault[]>> = {
  throws: [{ fault: 'throw' }, { fault: 'throw', error: new TypeError('a bug') }, { fault: 'throw', error: undefined }],
  rejects: [
    { fault: 'reject' },
    { fault: 'reject', error: new Error('ECONNRESET') },
    { fault: 'reject', error: 'text' },
    { fault: 'reject', error: null },
  ],
  'answers nonsense': NONSENSE.map((answer) => ({ fault: 'malformed', answer })),
};

const methods = new Map<string, Promise<ReadonlySet<StoreMethod>>>();

/** The methods of the store that a verb calls without a fault. */
function methodsOf(verb: string): Promise<ReadonlySet<StoreMethod>> {
  const known = methods.get(verb);
  if (known !== undefined) return known;
  const asked = (async () => {
    const made = await prepared();
    const before = made.store.calls.length;
    await VERBS[verb]?.(made);
    await made.engine.flushAudit();
    return new Set(made.store.calls.slice(before).map((call) => call.method));
  })();
  methods.set(verb, asked);
  return asked;
}

describe('JitEngine', () => {
  describe('over a store that fails', () => {
    it('is tested for every verb', () => {
      const own = Object.getOwnPropertyNames(JitEngine.prototype).filter((name) => !['constructor', 'idle', 'close'].includes(name));
      const functions = Object.keys({ ...explaining, ...links, ...provisioning, ...retention, ...work, journalHead });
      expect([...new Set(Object.keys(VERBS).map((name) => name.split(' ')[0]))].sort()).toEqual([...own, ...functions].sort());
    });

    for (const method of METHODS) {
      for (const [how, faults] of Object.entries(FAULTS)) {
        it(`L25 L30 when ${method} ${how}: no verb allows access, writes half a change, or fails with an error that is not ours`, async () => {
          for (const [verb, call] of Object.entries(VERBS)) {
            // A method that a verb does not call cannot fail it.
            if (!(await methodsOf(verb)).has(method)) continue;
            for (const fault of faults) {
              const made = await prepared();
              const before = await everything(made.store);
              const calls = made.store.called(method);
              made.store.inject(method, fault);
              let answer: unknown;
              try {
                answer = await call(made);
              } catch (error) {
                const what = `${verb}, ${JSON.stringify(fault)}`;
                if (!isJitError(error)) throw new Error(`${what}: not an error of ours`, { cause: error });
                expect(error.code, what).toMatch(
                  /^ERR_JIT_(STORE|CORRUPT|PARTIAL|OUTCOME_UNKNOWN|CONFLICT|NOT_FOUND|DENIED|DECIDED|UNDECIDED)$/,
                );
              }
              const asked = made.store.called(method) > calls;
              made.store.clear();
              // A check without an answer of the store does not allow.
              if (asked && method === 'live' && verb !== 'breakGlass') {
                expect([undefined, false]).toContain(typeof answer === 'boolean' ? answer : undefined);
                // A verb that creates access reports the grants that it has just issued; a check uses what it has read.
                const isCheck = (answer as { outcome?: unknown } | undefined)?.outcome === undefined;
                if (isCheck) expect((answer as { allowed?: boolean } | undefined)?.allowed).not.toBe(true);
              }
              if (asked && verb === 'filterAllowed') expect(answer ?? []).toEqual([]);
              await made.engine.flushAudit();
              await expectWhole(made.store, made.engine);
              if (asked && method === 'commit') {
                const after = await everything(made.store);
                expect(after.rows, `${verb}, ${JSON.stringify(fault)}`).toEqual(before.rows);
              }
            }
          }
        });
      }
    }

    for (const method of METHODS) {
      it(`L25 L30 when ${method} hangs: no verb allows access before it answers, and a late answer leaves whole changes`, async () => {
        for (const [verb, call] of Object.entries(VERBS)) {
          if (!(await methodsOf(verb)).has(method)) continue;
          const made = await prepared();
          const calls = made.store.called(method);
          made.store.inject(method, { fault: 'hang' });
          let answer: unknown;
          const settled = call(made).then(
            (value) => (answer = value),
            (error: unknown) => {
              if (!isJitError(error)) throw new Error(`${verb}: not an error of ours`, { cause: error });
            },
          );
          for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
          // A verb that has not called it by now calls it in the background, which affects no caller.
          if (made.store.called(method) > calls && method === 'live' && verb !== 'breakGlass') {
            expect(answer, verb).not.toBe(true);
            expect((answer as { allowed?: boolean } | undefined)?.allowed, verb).not.toBe(true);
          }
          made.store.clear();
          made.store.release();
          await settled;
          await made.engine.flushAudit();
          await expectWhole(made.store, made.engine);
        }
      });
    }

    it('L30 a check waits while the store hangs, and then judges by the current clock', async () => {
      const { engine, store, clock } = await prepared();
      store.inject('live', { fault: 'hang' }, 1);
      let answered = false;
      const check = engine.isAllowed(MAYA, SCOPE).then((allowed) => ((answered = true), allowed));
      await clock.set(at(15 * MINUTE));
      expect(answered).toBe(false);
      store.release();
      expect(await check).toBe(false);
    });

    it('L30 a failure names the method and keeps its cause', async () => {
      const { engine, store } = await prepared();
      const cause = new Error('ECONNRESET');
      store.inject('live', { fault: 'reject', error: cause });
      const error = await refusal(engine.isAllowed(MAYA, SCOPE), 'ERR_JIT_STORE');
      expect(error).toMatchObject({ operation: 'live', cause });
      store.inject('get', { fault: 'throw', error: cause });
      expect(await refusal(engine.getRequest('x'), 'ERR_JIT_STORE')).toMatchObject({ operation: 'get', cause });
    });

    it('L30 rows of another subject that the store returns allow nothing', async () => {
      const { engine, store } = await prepared();
      const rows = await store.live({ subject: MAYA, scope: SCOPE, at: at(0) });
      expect(rows.map(({ kind }) => kind).sort()).toEqual(['grant', 'usage']);
      store.inject('live', { fault: 'malformed', answer: rows });
      expect(await engine.isAllowed('user:eve', SCOPE)).toBe(false);
      expect(await engine.isAllowed(MAYA, 'other')).toBe(false);
      expect((await engine.status('user:eve')).held).toEqual([]);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('L30 a row other than the requested one is refused', async () => {
      const { engine, store, grant, pending } = await prepared();
      const [row] = await store.get([{ kind: 'grant', id: grant.id }]);
      store.inject('context', { fault: 'malformed', answer: { rows: [row, undefined], live: [], open: { items: [], next: undefined } } });
      expect((await refusal(engine.revoke(`${pending.id}.1`, { by: SAM }))).code).toMatch(/^ERR_JIT_(CORRUPT|STORE)$/);
      store.clear();
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });
  });

  describe('when the reply to a commit is lost', () => {
    const WRITES = [
      'requestAccess',
      'requestAccess with a key',
      'requestAccess with a key, of an open request',
      'approve',
      'deny',
      'comment',
      'comment with a key',
      'amend',
      'amend with a key',
      'cancel',
      'revoke',
      'release',
      'revokeAll',
      'purge',
      'extend',
      'extend with a key',
      'breakGlass',
      'breakGlass with a key',
      'reviewBreakGlass',
      'approvalLinks redeem',
      'consume',
      'consume with a key',
    ] as const;
    for (const verb of WRITES) {
      it(`L31 ${verb} commits the same change again and has one effect`, async () => {
        const [plainly, lost] = [await prepared(), await prepared()];
        await VERBS[verb]?.(plainly);
        lost.store.inject('commit', { fault: 'lose reply' }, 1);
        await VERBS[verb]?.(lost);
        // External systems are called in the background.
        await Promise.all([plainly.engine.idle(), lost.engine.idle()]);
        expect((await everything(lost.store)).types).toEqual((await everything(plainly.store)).types);
        await expectWhole(lost.store, lost.engine);
        const ids = lost.store.calls.filter((call) => call.method === 'commit').map((call) => (call.argument as { id: string }).id);
        expect(new Set(ids).size).toBe(ids.length - 1);
      });

      // It looks again at the open records, and so resolves the outcome itself.
      if (verb === 'revokeAll') continue;
      it(`L31 ${verb} rejects with the outcome unknown, and the id of the change, if that fails too`, async () => {
        const made = await prepared();
        const before = (await entriesOf(made.store)).length;
        made.store.inject('commit', { fault: 'lose reply' }, 2);
        const error = await refusal(VERBS[verb]?.(made) as Promise<unknown>, 'ERR_JIT_OUTCOME_UNKNOWN');
        expect((await entriesOf(made.store))[before]?.id).toBe(`${error.changeId}.1`);
        await expectWhole(made.store, made.engine);
        // After reading the record, it is safe to try again.
        await VERBS[verb]?.(made).catch(() => undefined);
        await expectWhole(made.store, made.engine);
      });
    }

    it('L31 revokeAll repeats a pass in which the outcome of a commit is unknown, and leaves nothing open', async () => {
      const { engine, store } = await prepared();
      store.inject('commit', { fault: 'lose reply' }, 2);
      await engine.revokeAll({ subject: MAYA }, { by: SAM });
      for (const kind of ['grant', 'request']) {
        const open = (await store.find({ kind, subject: MAYA, open: true, limit: 100 })).items.filter(
          (row) => row.body['end'] === undefined,
        );
        expect(open.filter((row) => row.body['afterReview'] === undefined)).toEqual([]);
      }
    });

    it('L31 a change that the store reports as not applied fails with that error', async () => {
      const { engine, store, grant } = await prepared();
      store.inject('commit', { fault: 'reject' }, 2);
      await refusal(engine.revoke(grant.id, { by: SAM }), 'ERR_JIT_STORE');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      store.inject('commit', { fault: 'reject' }, 1);
      await engine.revoke(grant.id, { by: SAM });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('L31 sweep records each end once', async () => {
      const { engine, store, clock } = await prepared();
      await clock.set(at(3 * HOUR));
      store.inject('commit', { fault: 'lose reply' }, 1);
      expect(await engine.sweep()).toMatchObject({ ended: 2, expired: 1, missed: 1, asked: 0, skipped: 0 });
      expect((await typesOf(store)).filter((type) => type.endsWith('.expired'))).toHaveLength(3);
    });

    it('L16 a row that the store refuses to write does not stop a sweep from asking the approver again', async () => {
      let isDown = true;
      const approver = new ScriptedApprover({
        decide: ({ scopes }) => {
          if (isDown && scopes[0] === 'asked') throw new Error('LDAP is down');
          return { outcome: 'approve' };
        },
      });
      const { engine, store, clock, told } = anEngine({ approver, limits: { retryAfter: MINUTE, reviewWithin: 2 * HOUR } });
      const grant = await aGranted(engine, { ttl: MINUTE });
      const { requestId = '' } = await refusal(ask(engine, { scope: 'asked', ttl: HOUR }), 'ERR_JIT_APPROVER');
      const commit = store.commit.bind(store);
      store.commit = (change) =>
        change.put.some(({ id }) => id === grant.id) ? Promise.reject(new StoreError('commit', 'CHECK failed')) : commit(change);
      isDown = false;
      await clock.set(at(MINUTE));
      // There is nothing else to record, so the pass rejects; but only after it has asked.
      await refusal(engine.sweep(), 'ERR_JIT_STORE');
      expect((await engine.getRequest(requestId))?.request.end?.status).toBe('approved');
      expect(await engine.isAllowed(MAYA, 'asked')).toBe(true);
      expect(told).toEqual([]);
    });

    it('L31 removeSink removes its cursor although the reply is lost', async () => {
      const audit = new RecordingSink({ name: 'gone' });
      const { engine, store, clock } = await prepared(audit);
      await engine.close();
      const other = anEngine({ store, clock }).engine;
      store.inject('commit', { fault: 'lose reply' }, 1);
      await removeSink(other, 'gone');
      expect(await store.get([{ kind: 'cursor', id: 'gone' }])).toEqual([undefined]);
    });
  });

  describe('when the store fails after the request of an ask was recorded', () => {
    const withoutBody = (row: Row | undefined) => row && { ...row, body: {} };
    const LATER: readonly (readonly [method: LaterFault['method'], how: string, Fault, code: string])[] = [
      ['get', 'throws', { fault: 'throw' }, 'ERR_JIT_STORE'],
      ['get', 'rejects', { fault: 'reject', error: new Error('ECONNRESET') }, 'ERR_JIT_STORE'],
      ['get', 'answers nonsense', { fault: 'malformed', answer: undefined }, 'ERR_JIT_STORE'],
      [
        'get',
        'returns rows without a body',
        { fault: 'malformed', answer: (rows: (Row | undefined)[]) => rows.map(withoutBody) },
        'ERR_JIT_CORRUPT',
      ],
      ['get', 'returns no row', { fault: 'malformed', answer: (rows: unknown[]) => rows.map(() => undefined) }, 'ERR_JIT_NOT_FOUND'],
      ['live', 'throws', { fault: 'throw' }, 'ERR_JIT_STORE'],
      ['live', 'rejects', { fault: 'reject' }, 'ERR_JIT_STORE'],
      ['live', 'answers nonsense', { fault: 'malformed', answer: undefined }, 'ERR_JIT_STORE'],
      ['commit', 'rejects', { fault: 'reject' }, 'ERR_JIT_STORE'],
      ['commit', 'loses each reply', { fault: 'lose reply' }, 'ERR_JIT_OUTCOME_UNKNOWN'],
      ['commit', 'answers conflict each time', { fault: 'malformed', answer: CONFLICT }, 'ERR_JIT_CONFLICT'],
    ];

    for (const [method, how, fault, code] of LATER) {
      it(`L25 L31 when ${method} ${how}: the error of every verb names the recorded request [V12]`, async () => {
        let named = 0;
        for (const asked of RECORDED_ASKS) {
          for (let nth = 0; ; nth++) {
            const { store, engine, recordedId, isHit, answer, error } = await askWith(asked, { method, fault, nth });
            if (!isHit) break;
            const what = `${JSON.stringify(asked)}, call ${nth}`;
            expect(await store.get([{ kind: 'request', id: recordedId as string }]), what).not.toEqual([undefined]);
            await expectWhole(store, engine);
            // The verb does not need this read, and its answer names the request.
            if (error === undefined) {
              expect(answer?.request.id, what).toBe(recordedId);
              continue;
            }
            named += 1;
            if (!isJitError(error)) throw new Error(`${what}: not an error of ours`, { cause: error });
            expect(error.code, what).toBe(code);
            // This error names a record instead, which must be this request.
            if (error.code === 'ERR_JIT_NOT_FOUND') expect([error.kind, error.id], what).toEqual(['request', recordedId]);
            else expect('requestId' in error && error.requestId, what).toBe(recordedId);
          }
        }
        expect(named).toBeGreaterThan(0);
      });
    }
  });

  describe('crashes', () => {
    /** Lets n commits through; then the process is dead: no call of it ever returns. */
    function dyingAfter(store: GrantStore, commits: number): FaultyStore {
      let left = commits;
      const dying = new FaultyStore(store);
      const commit = dying.commit.bind(dying);
      dying.commit = (change) => (left-- > 0 ? commit(change) : new Promise(() => undefined));
      return dying;
    }

    it('L10 L32 after a crash between any two commits the store holds whole commands, and work can continue', async () => {
      for (let commits = 0; commits < 8; commits++) {
        const store = new MemoryGrantStore();
        const dying = anEngine({ store: dyingAfter(store, commits) });
        let acknowledged = 0;
        const work = (async () => {
          const asked = await ask(dying.engine, { idempotencyKey: 'k', scopes: ['a', 'b'] });
          acknowledged = 1;
          await dying.engine.approve(asked.request.id, { by: SAM });
          acknowledged = 2;
          await dying.engine.revoke(`${asked.request.id}.1`, { by: SAM });
          acknowledged = 3;
          await dying.engine.release(`${asked.request.id}.2`, { by: MAYA });
          acknowledged = 4;
        })();
        void work;
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
        expect(acknowledged).toBeLessThanOrEqual(commits);
        const { engine } = anEngine({ store, clock: dying.clock });
        await expectWhole(store, engine);
        const types = await typesOf(store);
        const expected = [
          'request.created',
          'request.assigned',
          'request.reviewed',
          'request.approved',
          'grant.issued',
          'grant.issued',
          'grant.revoked',
          'grant.revoked',
        ];
        expect(types).toEqual(expected.slice(0, [0, 2, 6, 7, 8, 8, 8, 8][commits]));
        const again = await ask(engine, { idempotencyKey: 'k', scopes: ['a', 'b'] });
        if (again.outcome === 'pending') expect((await engine.approve(again.request.id, { by: ANA })).outcome).toBe('granted');
        expect(await engine.isAllowed(MAYA, 'a')).toBe(commits < 3);
        expect(await engine.isAllowed(MAYA, 'b')).toBe(commits < 4);
      }
    });

    it('L1 an engine that starts after a crash denies access that has ended in the meantime', async () => {
      const { store, clock } = await prepared();
      await clock.set(at(15 * MINUTE));
      expect(await anEngine({ store, clock }).engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });
  });

  describe('an approver', () => {
    it('L30 is never heard twice: a rejection after the time limit has no effect', async () => {
      let fail: (error: unknown) => void = () => undefined;
      const approver = new ScriptedApprover({ decide: () => new Promise((_, reject) => (fail = reject)) });
      const { engine, clock } = anEngine({ approver, limits: { approverTimeout: 100 } });
      const asking = refusal(ask(engine), 'ERR_JIT_APPROVER');
      while (clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(100);
      await asking;
      fail(new Error('late'));
      await new Promise((resolve) => setImmediate(resolve));
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('L30 a thenable that resolves twice counts once', async () => {
      const approver = new ScriptedApprover({
        decide: () =>
          ({
            then: (resolve: (verdict: unknown) => void) => (resolve({ outcome: 'deny', reason: 'no' }), resolve({ outcome: 'approve' })),
          }) as never,
      });
      expect((await ask(anEngine({ approver }).engine)).outcome).toBe('denied');
    });
  });
});
