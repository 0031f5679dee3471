import { describe, expect, it } from 'vitest';
import { reviewers, type AccessRequest, type JitEngine } from '../../src/index.js';
import { readJournal, replay, verifyStore } from '../../src/journal.js';
import { notify, type Notice } from '../../src/notify.js';
import { purge } from '../../src/retention.js';
import { ScriptedApprover } from '../../src/testing.js';
import { expectReplayed } from '../property/fold.js';
import { ANA, anEngine, aPending, at, entriesOf, HOUR, LEE, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from './an-engine.js';

const NOOR = 'user:noor';
const EVE = 'user:eve';
const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);
const TWO = reviewers({ members: [SAM, ANA, LEE], approvals: 2 });

const say = (engine: JitEngine, { id }: { readonly id: string }, by: string, text = 'why so long?', idempotencyKey?: string) =>
  engine.comment(id, { by, text, idempotencyKey });

const commentsOn = async (engine: JitEngine, { id }: AccessRequest) =>
  ((await engine.getRequest(id))?.comments ?? []).map(({ by, text }) => [by, text]);

describe('comment', () => {
  it('records comments of the subject, the requester and the reviewers, and leaves the request unchanged (feature 4)', async () => {
    const { engine, clock, store } = anEngine();
    const request = await aPending(engine, { requestedBy: NOOR });
    const { comment, reused } = await say(engine, request, SAM);
    expect(reused).toBe(false);
    const { id: requestId } = request;
    expect(comment).toEqual({
      ...{ kind: 'comment', id: `${requestId}.1`, version: 1, requestId, subject: MAYA },
      ...{ by: SAM, text: 'why so long?', at: at(0), keyId: undefined },
    });
    await clock.advance(MINUTE);
    await say(engine, request, MAYA, 'the migration');
    await say(engine, request, NOOR, 'INC-7');
    const found = await engine.getRequest(requestId);
    expect(found?.request).toEqual({ ...request, status: 'pending' });
    expect(found?.comments.map(({ id, by, at: instant }) => [id, by, instant])).toEqual([
      [`${requestId}.1`, SAM, at(0)],
      [`${requestId}.2`, MAYA, at(MINUTE)],
      [`${requestId}.3`, NOOR, at(MINUTE)],
    ]);
    const [first] = (await entriesOf(store)).filter(({ type }) => type === 'request.commented');
    expect(first).toMatchObject({ requestId, actor: SAM, at: at(0), data: { commentId: comment.id, subject: MAYA, text: 'why so long?' } });
    await expectReplayed(store);
    expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [], unproven: [] });
    expect((await replay(readJournal(store))).comments.get(comment.id)).toEqual(comment);
    expect((await replay(readJournal(store), at(1))).comments.size).toBe(1);
  });

  it('appears in the inbox item of each reviewer, the oldest comment first (feature 4)', async () => {
    const { engine, clock } = anEngine({ approver: TWO });
    const request = await aPending(engine);
    await clock.advance(1);
    const other = await aPending(engine, { scope: 'db:other' });
    for (let n = 1; n <= 12; n++) await say(engine, request, n % 2 === 0 ? SAM : MAYA, `comment ${n}`);
    const { items } = await engine.inbox(ANA);
    expect(items.map(({ request: { id }, comments }) => [id, comments.map(({ text }) => text)])).toEqual([
      [request.id, Array.from({ length: 12 }, (_, i) => `comment ${i + 1}`)],
      [other.id, []],
    ]);
  });

  it('lets a reviewer comment who has reviewed, and asks for no further review', async () => {
    const { engine } = anEngine({ approver: TWO });
    const request = await aPending(engine);
    await engine.approve(request.id, { by: SAM });
    await say(engine, request, SAM, 'but not again');
    expect((await engine.getRequest(request.id))?.request.reviews).toHaveLength(1);
    expect(await commentsOn(engine, request)).toEqual([[SAM, 'but not again']]);
  });

  it.each([
    ['another person', EVE, 'ERR_JIT_NOT_REVIEWER'],
    ['an agent', 'agent:7', 'ERR_JIT_NOT_REVIEWER'],
  ] as const)('refuses every other caller, and stores nothing: %s', async (_, by, code) => {
    const { engine, store } = anEngine();
    const request = await aPending(engine);
    expect(await refusal(say(engine, request, by), code)).toMatchObject({ requestId: request.id, reviewer: by });
    expect(await commentsOn(engine, request)).toEqual([]);
    expect(await typesOf(store)).not.toContain('request.commented');
  });

  it('asks the approver about the groups of a reviewer at each comment, and never about the subject', async () => {
    const approver = new ScriptedApprover({
      decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } },
      groupsOf: (reviewer: string) => (reviewer === SAM ? ['ops'] : []),
    });
    const { engine } = anEngine({ approver });
    const request = await aPending(engine);
    await say(engine, request, SAM);
    await say(engine, request, MAYA);
    await refusal(say(engine, request, ANA), 'ERR_JIT_NOT_REVIEWER');
    expect(await commentsOn(engine, request)).toEqual([
      [SAM, 'why so long?'],
      [MAYA, 'why so long?'],
    ]);
  });

  it('takes a comment of the subject before the approver has answered, and of no reviewer', async () => {
    const approver = new ScriptedApprover({ decide: () => Promise.reject(new Error('LDAP is down')), groupsOf: ['ops'] });
    const { engine } = anEngine({ approver });
    const { requestId = '' } = (await refusal(
      engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '5m' }),
      'ERR_JIT_APPROVER',
    )) as unknown as { requestId?: string };
    await say(engine, { id: requestId }, MAYA);
    await refusal(say(engine, { id: requestId }, SAM), 'ERR_JIT_UNDECIDED');
  });

  it.each([
    ['approved', (engine: JitEngine, id: string) => engine.approve(id, { by: SAM })],
    ['denied', (engine: JitEngine, id: string) => engine.deny(id, { by: SAM })],
    ['cancelled', (engine: JitEngine, id: string) => engine.cancel(id, { by: MAYA })],
  ])('refuses a comment on a request that was %s', async (_, end) => {
    const { engine } = anEngine();
    const request = await aPending(engine);
    await end(engine, request.id);
    for (const by of [MAYA, SAM, EVE]) await refusal(say(engine, request, by), 'ERR_JIT_DECIDED');
  });

  it('L13 refuses a comment at the deadline, with no sweep', async () => {
    const { engine, clock } = anEngine();
    const request = await aPending(engine);
    await clock.set(request.reviewBy - 1);
    await say(engine, request, MAYA);
    await clock.set(request.reviewBy);
    await refusal(say(engine, request, MAYA), 'ERR_JIT_DEADLINE');
  });

  it('refuses a locked author, and no other (A2)', async () => {
    const { engine } = anEngine();
    const request = await aPending(engine);
    const { lock } = await engine.lock({ subject: SAM }, { by: 'user:ops' });
    expect(await refusal(say(engine, request, SAM), 'ERR_JIT_LOCKED')).toMatchObject({ lockId: lock.id, subject: SAM });
    await say(engine, request, ANA);
    await engine.unlock(lock.id, { by: 'user:ops' });
    await say(engine, request, SAM);
  });

  it('has one order with a lock on its author: the lock refuses it, or it commits first (A2)', async () => {
    const seen = new Set<string>();
    for (const seed of SEEDS) {
      const { engine, store } = anEngine();
      const request = await aPending(engine);
      store.inject('all', { fault: 'yield', seed });
      const locking = engine.lock({ subject: SAM }, { by: 'user:ops' });
      const [saying] = await Promise.allSettled([say(engine, request, SAM), locking]);
      store.clear();
      const types = await typesOf(store);
      if (saying.status === 'fulfilled') expect(types.indexOf('request.commented')).toBeLessThan(types.indexOf('lock.set'));
      else expect(saying.reason).toMatchObject({ code: 'ERR_JIT_LOCKED' });
      seen.add(saying.status);
    }
    expect(seen).toEqual(new Set(['fulfilled', 'rejected']));
  });

  describe('under an idempotency key', () => {
    it('L11 records one comment, also after the decision, and refuses another text', async () => {
      const { engine } = anEngine();
      const request = await aPending(engine);
      const first = await say(engine, request, MAYA, 'please', 'k');
      expect(await say(engine, request, MAYA, 'please', 'k')).toEqual({ comment: first.comment, reused: true });
      expect(await refusal(say(engine, request, MAYA, 'now', 'k'), 'ERR_JIT_IDEMPOTENCY')).toMatchObject({ recordId: first.comment.id });
      await say(engine, request, SAM, 'please', 'k');
      await engine.approve(request.id, { by: SAM });
      expect(await say(engine, request, MAYA, 'please', 'k')).toEqual({ comment: first.comment, reused: true });
      expect(await commentsOn(engine, request)).toHaveLength(2);
    });

    it('L11 two calls at once record one comment, and both return it', async () => {
      for (const seed of SEEDS) {
        const { engine, store } = anEngine();
        const request = await aPending(engine);
        store.inject('all', { fault: 'yield', seed });
        const results = await Promise.all([say(engine, request, MAYA, 'please', 'k'), say(engine, request, MAYA, 'please', 'k')]);
        expect(new Set(results.map(({ comment }) => comment.id)).size).toBe(1);
        expect(results.filter(({ reused }) => reused)).toHaveLength(1);
      }
    });
  });

  it('exactly one of a comment and a decision at once commits first, and the other sees it', async () => {
    const seen = new Set<string>();
    for (const seed of SEEDS) {
      const { engine, store } = anEngine();
      const request = await aPending(engine);
      store.inject('all', { fault: 'yield', seed });
      const [saying] = await Promise.allSettled([
        say(engine, request, seed % 2 === 0 ? ANA : MAYA),
        engine.approve(request.id, { by: SAM }),
      ]);
      store.clear();
      const types = await typesOf(store);
      const [said, approved] = [types.indexOf('request.commented'), types.indexOf('request.approved')];
      expect(approved).toBeGreaterThan(-1);
      if (saying.status === 'fulfilled') expect(said).toBeLessThan(approved);
      else {
        expect(saying.reason).toMatchObject({ code: 'ERR_JIT_DECIDED' });
        expect(said).toBe(-1);
      }
      seen.add(saying.status);
      expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [] });
    }
    expect(seen).toEqual(new Set(['fulfilled', 'rejected']));
  });

  it('makes no review retry: an approval asks the approver once, also where a comment commits in the meantime', async () => {
    let asked = 0;
    let during: () => Promise<unknown> = () => Promise.resolve();
    const approver = new ScriptedApprover({
      decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } },
      groupsOf: async (reviewer: string) => {
        if (reviewer === SAM) {
          asked += 1;
          await during();
        }
        return ['ops'];
      },
      isEligible: () => true,
    });
    const { engine } = anEngine({ approver });
    const request = await aPending(engine);
    during = () => say(engine, request, MAYA);
    await engine.approve(request.id, { by: SAM });
    expect(asked).toBe(1);
    expect(await commentsOn(engine, request)).toHaveLength(1);
  });

  it('takes at most 20 comments of an author and 100 in all, also of calls at once', async () => {
    const authors = Array.from({ length: 6 }, (_, i) => `user:r${i}`);
    const { engine } = anEngine({ approver: reviewers({ members: authors }) });
    const request = await aPending(engine);
    const [first = '', ...rest] = authors;
    const calls = await Promise.allSettled(Array.from({ length: 24 }, (_, n) => say(engine, request, first, `comment ${n}`)));
    expect(calls.filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
    expect(await refusal(say(engine, request, first), 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'commentsOfAuthor', max: 20, got: 21 });
    for (const by of rest.slice(0, 4)) for (let n = 0; n < 20; n++) await say(engine, request, by, `comment ${n}`);
    expect(await refusal(say(engine, request, MAYA), 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'comments', max: 100, got: 101 });
    expect(await commentsOn(engine, request)).toHaveLength(100);
    await engine.approve(request.id, { by: first });
  });

  it('L33 a purge removes the comments with their request, and those of no other request', async () => {
    const { engine, store, clock } = anEngine({ approver: TWO });
    const kept = await aPending(engine, { scope: 'db:kept' });
    const old = await aPending(engine);
    for (const request of [old, kept]) for (let n = 0; n < 11; n++) await say(engine, request, MAYA, `comment ${n}`);
    await engine.cancel(old.id, { by: MAYA });
    await clock.set(at(HOUR));
    expect(await purge(engine, { before: at(MINUTE), by: 'user:ciso', force: true })).toMatchObject({ requests: 1 });
    const left = (await store.find({ kind: 'comment', limit: 100 })).items;
    expect(left.map(({ body }) => body['requestId'])).toEqual(Array.from({ length: 11 }, () => kept.id));
    expect(await engine.getRequest(old.id)).toBeUndefined();
    expect(await commentsOn(engine, kept)).toHaveLength(11);
    await expectReplayed(store);
    expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [], unproven: [] });
  });

  it('L42 a purge removes many requests with many comments over several changes', async () => {
    const { engine, store, clock } = anEngine();
    const sizes: number[] = [];
    for (let i = 0; i < 8; i++) {
      const request = await aPending(engine, { scope: `db:n${i}` });
      for (const by of [MAYA, SAM, ANA]) for (let n = 0; n < 15; n++) await say(engine, request, by, `comment ${n}`);
      await engine.cancel(request.id, { by: MAYA });
    }
    await clock.set(at(HOUR));
    const commit = store.commit.bind(store);
    store.commit = (change) => {
      sizes.push(change.remove?.length ?? 0);
      return commit(change);
    };
    expect(await purge(engine, { before: at(MINUTE), by: 'user:ciso', force: true })).toMatchObject({ requests: 8 });
    expect((await store.find({ kind: 'comment', limit: 1 })).items).toEqual([]);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(250);
    expect(sizes.filter((size) => size > 46).length).toBeGreaterThan(1);
  });

  it('notifies the subject, the requester and the reviewers, and not the author (feature 4)', async () => {
    const notices: Notice[] = [];
    const audit = notify({ name: 'chat', send: (notice) => void notices.push(notice) });
    const { engine } = anEngine({ approver: TWO, audit });
    const request = await aPending(engine, { requestedBy: NOOR });
    await engine.approve(request.id, { by: SAM });
    await say(engine, request, ANA, 'why *so* long?\n@all');
    await say(engine, request, NOOR, 'the migration');
    await engine.flushAudit();
    const said = notices.filter(({ kind }) => kind === 'commented');
    expect(said.map(({ people, groups }) => [people, groups])).toEqual([
      [[MAYA, NOOR, SAM], ['reviewers']],
      [[MAYA, SAM], ['reviewers']],
    ]);
    expect(said[0]?.text).toContain(`${ANA} commented on ${MAYA}'s request for ${SCOPE}\ncomment: why *so* long?`);
    expect(said[0]?.text).not.toContain('\n@all');
    await engine.close();
  });

  it('L30 shows the other comments where one is unreadable, and refuses a further comment', async () => {
    const { engine, store, told } = anEngine();
    const request = await aPending(engine);
    for (const text of ['one', 'two', 'three']) await say(engine, request, MAYA, text);
    const [row] = await store.get([{ kind: 'comment', id: `${request.id}.2` }]);
    const edited = { ...row!, version: 2, body: { ...row!.body, text: 7 } };
    await store.commit({ id: 'edit', expect: [{ kind: 'comment', id: row!.id, version: 1 }], put: [edited], append: [] });
    expect((await commentsOn(engine, request)).map(([, text]) => text)).toEqual(['one', 'three']);
    expect((await engine.inbox(SAM)).items[0]?.comments.map(({ text }) => text)).toEqual(['one', 'three']);
    expect(told.map(({ error }) => (error as { code: string }).code)).toContain('ERR_JIT_CORRUPT');
    await refusal(say(engine, request, MAYA), 'ERR_JIT_CORRUPT');
    expect((await verifyStore(store)).differences).toMatchObject([{ kind: 'comment', id: `${request.id}.2` }]);
    await engine.approve(request.id, { by: SAM });
  });

  it('L26 is a difference for verifyStore where a comment is edited or missing', async () => {
    const { engine, store } = anEngine();
    const request = await aPending(engine);
    await say(engine, request, MAYA, 'one');
    const key = { kind: 'comment', id: `${request.id}.1` };
    const [row] = await store.get([key]);
    const edited = { ...row!, version: 2, body: { ...row!.body, by: EVE } };
    await store.commit({ id: 'edit', expect: [{ ...key, version: 1 }], put: [edited], append: [] });
    expect((await verifyStore(store)).differences).toMatchObject([key]);
    await store.commit({ id: 'gone', expect: [{ ...key, version: 2 }], put: [], remove: [key], append: [] });
    expect((await verifyStore(store)).differences).toMatchObject([{ ...key, problem: expect.stringContaining('is missing') as string }]);
  });
});
