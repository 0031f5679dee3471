import type { StoreContext } from '../../src/store.js';
import { acceptClock, purge } from 'jit-access/retention';
import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import { autoApprove, type AccessResult, type Grant, type JitEngine, type JitEngineOptions, type TermsInput } from '../../src/index.js';
import { ManualClock, ScriptedApprover, type ApproverScript } from '../../src/testing.js';
import { ANA, aGranted, anEngine, ask, at, entriesOf, HOUR, LEE, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from './an-engine.js';
import { decideAgain } from './decide-again.js';

const TTL = 15 * MINUTE;
const END = at(TTL);
const REVIEW = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } } as const;

/** Approves first requests, and has people review extensions. The reviewers are always in the group. */
function anExtendable(terms: TermsInput = {}, script: ApproverScript = {}, options: Partial<JitEngineOptions> = {}) {
  const approver = new ScriptedApprover({
    decide: (request) => (request.extension === undefined ? { outcome: 'approve', terms } : { ...REVIEW, terms }),
    groupsOf: ['ops'],
    ...script,
  });
  return { ...anEngine({ approver, ...options }), approver };
}

/** Requests another 15 minutes unless overridden; a reviewer still has to approve. */
async function pendingExtension(engine: JitEngine, grant: Grant, ttl = TTL) {
  const result = await engine.extend(grant.id, { requestedBy: MAYA, ttl, justification: 'not done yet' });
  expect(result.outcome).toBe('pending');
  return result.request;
}

async function extended(engine: JitEngine, grant: Grant, ttl = TTL): Promise<Grant> {
  const request = await pendingExtension(engine, grant, ttl);
  return only(await engine.approve(request.id, { by: SAM }));
}

function only(result: AccessResult): Grant {
  const grant = result.outcome === 'granted' ? result.grants[0] : undefined;
  if (grant === undefined) throw new Error(`expected a grant, got ${result.outcome}`);
  return grant;
}

const stored = async (engine: JitEngine, grant: Grant): Promise<Grant | undefined> =>
  (await engine.getRequest(grant.requestId))?.grants.find(({ id }) => id === grant.id);
const requestEnd = async (engine: JitEngine, id: string) => (await engine.getRequest(id))?.request.end;
const allowedAt = async (engine: JitEngine, clock: ManualClock, now: number) => {
  await clock.set(now);
  return engine.isAllowed(MAYA, SCOPE);
};

/** Hides the open requests of a subject. */
const noOpen = (answer: StoreContext): StoreContext => ({ ...answer, open: { items: [], next: undefined } });

describe('JitEngine', () => {
  describe('extend()', () => {
    it('creates a new request with its own decision that names the old grant, and leaves the old grant unchanged while pending', async () => {
      const { engine, clock, store, approver } = anExtendable();
      const grant = await aGranted(engine);
      const before = await store.get([{ kind: 'grant', id: grant.id }]);
      await clock.set(at(5 * MINUTE));
      const request = await pendingExtension(engine, grant, 10 * MINUTE);
      expect(request).toMatchObject({
        subject: MAYA,
        requestedBy: MAYA,
        scopes: [SCOPE],
        ttlMs: 10 * MINUTE,
        startsAt: undefined,
        extension: { grantIds: [grant.id], requestId: undefined, from: END, firstStartsAt: at(0), until: at(24 * HOUR), breakGlass: false },
        justification: 'not done yet',
      });
      expect(request.id).not.toBe(grant.requestId);
      expect(approver.asked('decide')).toBe(2);
      expect(await store.get([{ kind: 'grant', id: grant.id }])).toEqual(before);
      expect(await allowedAt(engine, clock, END - 1)).toBe(true);
      expect(await allowedAt(engine, clock, END)).toBe(false);
    });

    it('issues a new grant that names the old one, and updates the old one without changing its end', async () => {
      const { engine, store, clock } = anExtendable();
      const grant = await aGranted(engine);
      await clock.set(at(MINUTE));
      const next = await extended(engine, grant);
      expect(next).toMatchObject({ extends: grant.id, startsAt: END, expiresAt: END + TTL, issuedAt: at(MINUTE), firstStartsAt: at(0) });
      expect(await stored(engine, grant)).toEqual({ ...grant, version: 2, successors: [{ grantId: next.id, at: at(MINUTE) }] });
      const last = (await entriesOf(store)).slice(-3);
      expect(last.map((entry) => entry.type)).toEqual(['request.approved', 'grant.issued', 'grant.extended']);
      expect(last.at(-1)).toMatchObject({ grantId: grant.id, actor: SAM, data: { version: 2, successors: [{ grantId: next.id }] } });
      expect(new Set(last.map((entry) => entry.id.split('.')[0])).size).toBe(1);
    });

    it('L1 L2 L4 issues a grant that starts at the old end without a gap, and ends at its own end', async () => {
      const { engine, clock } = anExtendable();
      const grant = await aGranted(engine);
      const next = await extended(engine, grant);
      for (const [now, by] of [
        [END - 1, grant.id],
        [END, next.id],
        [END + 1, next.id],
        [END + TTL - 1, next.id],
        [END + TTL, undefined],
      ] as const) {
        await clock.set(now);
        expect((await engine.check(MAYA, SCOPE)).grant?.id).toBe(by);
      }
    });

    // test/lifecycle/grant.test.ts has more instants, here and for the cap below.
    for (const [what, decided, startsAt] of [
      ['1 ms before the old end', END - 1, END],
      ['1 ms after the old end', END + 1, END + 1],
    ] as const) {
      it(`L4 decided ${what}, starts at the later of both and lasts the requested time`, async () => {
        for (const swept of [false, true]) {
          const { engine, clock } = anExtendable();
          const grant = await aGranted(engine);
          const request = await pendingExtension(engine, grant, 7 * MINUTE);
          await clock.set(decided);
          if (swept) await engine.sweep();
          const next = only(await engine.approve(request.id, { by: SAM }));
          expect(next).toMatchObject({ startsAt, expiresAt: startsAt + 7 * MINUTE });
          expect(await allowedAt(engine, clock, startsAt)).toBe(true);
          expect(await allowedAt(engine, clock, next.expiresAt)).toBe(false);
        }
      });
    }

    it('L3 refuses an extension that is longer than the limit, and never cuts it', async () => {
      const { engine } = anExtendable({}, {}, { limits: { maxTtl: TTL } });
      const grant = await aGranted(engine);
      expect(await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: TTL + 1 }), 'ERR_JIT_REQUIREMENTS')).toMatchObject({
        problems: [{ field: 'ttl', code: 'too_long', limit: TTL, got: TTL + 1 }],
      });
    });

    it('counts against maxGrants when it is requested', async () => {
      const { engine } = anExtendable({}, {}, { limits: { maxGrants: 1 } });
      const grant = await aGranted(engine);
      expect(await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: 1 }), 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'maxGrants' });
    });

    it('accepts another requester, whom L15 keeps from reviewing, as it keeps the subject', async () => {
      const { engine } = anExtendable();
      const grant = await aGranted(engine);
      const { request } = await engine.extend(grant.id, { ttl: TTL, requestedBy: ANA });
      expect(request).toMatchObject({ subject: MAYA, requestedBy: ANA });
      for (const by of [MAYA, ANA]) await refusal(engine.approve(request.id, { by }), 'ERR_JIT_SELF_REVIEW');
      expect((await engine.approve(request.id, { by: SAM })).outcome).toBe('granted');
    });

    it('refuses options of other verbs, bad durations and unknown grants', async () => {
      const { engine } = anExtendable();
      const grant = await aGranted(engine);
      for (const extra of [
        { subject: LEE },
        { scope: 'root' },
        { scopes: ['root'] },
        { startsAt: at(1) },
        { extends: 'x' },
        { dryRun: true },
      ]) {
        await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: 1, ...extra }), 'ERR_JIT_INVALID_ARGUMENT');
      }
      for (const ttl of [0, -1, NaN, undefined, 'forever']) {
        expect(await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: ttl as number }), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject(
          {
            argument: 'ttl',
          },
        );
      }
      await refusal(engine.extend('no such grant', { requestedBy: MAYA, ttl: 1 }), 'ERR_JIT_NOT_FOUND');
      await refusal(engine.extend(undefined as unknown as string, { requestedBy: MAYA, ttl: 1 }), 'ERR_JIT_INVALID_ARGUMENT');
    });

    it('L11 returns the same request for the same key and ask, also after the old grant has ended; refuses another ask', async () => {
      const { engine, clock, store } = anExtendable();
      const grant = await aGranted(engine, { idempotencyKey: 'k' });
      const key = { requestedBy: MAYA, ttl: TTL, idempotencyKey: 'k' };
      const first = await engine.extend(grant.id, key);
      expect(first.request.id).not.toBe(grant.requestId);
      const commits = store.called('commit');
      expect((await engine.extend(grant.id, key)).request).toEqual(first.request);
      expect(store.called('commit')).toBe(commits);
      await refusal(engine.extend(grant.id, { ...key, ttl: TTL + 1 }), 'ERR_JIT_IDEMPOTENCY');
      const other = await aGranted(engine, { scope: 'b' });
      await refusal(engine.extend(other.id, key), 'ERR_JIT_IDEMPOTENCY');
      await clock.set(END);
      await engine.sweep();
      expect((await engine.extend(grant.id, key)).request.id).toBe(first.request.id);
      await engine.revoke(grant.id, { by: SAM });
      expect(await engine.extend(grant.id, key)).toMatchObject({ outcome: 'cancelled', request: { id: first.request.id } });
    });

    it('returns the pending request to the same requester for at least as much time; another grant gets another request', async () => {
      const { engine } = anExtendable();
      const grant = await aGranted(engine);
      const request = await pendingExtension(engine, grant);
      for (const again of [{ ttl: TTL }, { ttl: TTL + 1 }]) {
        const reused = { reused: true, request: { id: request.id, ttlMs: TTL, requestedBy: MAYA } };
        expect(await engine.extend(grant.id, { requestedBy: MAYA, ...again })).toMatchObject(reused);
      }
      for (const again of [{ ttl: TTL - 1 }, { ttl: TTL, requestedBy: ANA }]) {
        expect(await engine.extend(grant.id, { requestedBy: MAYA, ...again })).toMatchObject({ reused: false });
      }
      const other = await aGranted(engine, { startsAt: END });
      expect((await engine.extend(other.id, { requestedBy: MAYA, ttl: TTL })).request.id).not.toBe(request.id);
      // A request for the scope itself is not an extension.
      expect((await ask(engine, { ttl: 2 * TTL })).request.extension).toBeUndefined();
    });

    it('L11 keeps naming the reused request under its key, and refuses another ask under that key', async () => {
      const { engine, clock, store } = anExtendable();
      const grant = await aGranted(engine);
      const request = await pendingExtension(engine, grant);
      const key = { requestedBy: MAYA, ttl: 2 * TTL, idempotencyKey: 'k' };
      expect(await engine.extend(grant.id, key)).toMatchObject({ reused: true, request: { id: request.id, ttlMs: TTL } });
      const kept = (await entriesOf(store)).at(-1);
      expect(kept).toMatchObject({ type: 'request.reused', actor: MAYA, requestId: request.id, data: { subject: MAYA } });
      await engine.cancel(request.id, { by: MAYA });
      await clock.advance(1);
      const head = await journalHead(engine);
      expect(await engine.extend(grant.id, key)).toMatchObject({ outcome: 'cancelled', reused: true, request: { id: request.id } });
      expect(await journalHead(engine)).toEqual(head);
      const refused = await refusal(engine.extend(grant.id, { ...key, ttl: TTL }), 'ERR_JIT_IDEMPOTENCY');
      expect(refused).toMatchObject({ recordId: request.id });
      // The key belongs to extensions of this grant only.
      expect((await ask(engine, { ...key, scope: 'b' })).request.id).not.toBe(request.id);
      expect((await engine.extend(grant.id, { requestedBy: MAYA, ttl: 2 * TTL })).request.id).not.toBe(request.id);
    });

    it('L2 asks about eligibility at the start of the extension, if the approver asks at starts', async () => {
      const { engine, clock, approver } = anExtendable({}, { isEligible: true });
      const grant = await aGranted(engine);
      const next = await extended(engine, grant);
      expect(next).toMatchObject({ asksAtStart: true, activatedAt: undefined });
      approver.script.isEligible = (_, when) => when !== 'start';
      expect(await allowedAt(engine, clock, END - 1)).toBe(true);
      expect(await allowedAt(engine, clock, END)).toBe(false);
      expect(await stored(engine, next)).toMatchObject({ end: { status: 'revoked', cause: 'ineligible' } });
    });

    it('extends a scheduled grant too', async () => {
      const { engine, clock } = anExtendable();
      const grant = await aGranted(engine, { startsAt: at(HOUR) });
      const next = await extended(engine, grant);
      expect(next).toMatchObject({ startsAt: at(HOUR) + TTL, firstStartsAt: at(HOUR) });
      expect(await allowedAt(engine, clock, at(HOUR) + TTL)).toBe(true);
    });
  });

  describe('the total time of an extension chain', () => {
    const CAP = { limits: { maxTotal: 2 * TTL } };

    it('L4 is capped from the first start: an extension is cut at the cap', async () => {
      const { engine, clock } = anExtendable({}, {}, CAP);
      const grant = await aGranted(engine);
      const next = await extended(engine, grant, 2 * TTL);
      expect(next).toMatchObject({ startsAt: END, expiresAt: at(2 * TTL), firstStartsAt: at(0) });
      expect(await allowedAt(engine, clock, at(2 * TTL) - 1)).toBe(true);
      expect(await allowedAt(engine, clock, at(2 * TTL))).toBe(false);
    });

    it('L4 counts from the start of a scheduled grant, not from its decision', async () => {
      const { engine } = anExtendable({}, {}, CAP);
      const grant = await aGranted(engine, { startsAt: at(HOUR) });
      expect(await extended(engine, grant, 2 * TTL)).toMatchObject({ expiresAt: at(HOUR) + 2 * TTL });
    });

    it('L3 refuses a single ask above it, and never cuts it: neither an extension nor a first ask', async () => {
      const { engine, store } = anExtendable({}, {}, CAP);
      const grant = await aGranted(engine, { scope: 'b', ttl: TTL });
      const over = { problems: [{ field: 'ttl', code: 'too_long', limit: 2 * TTL, got: 2 * TTL + 1 }] };
      expect(await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: 2 * TTL + 1 }), 'ERR_JIT_REQUIREMENTS')).toMatchObject(over);
      expect(await refusal(ask(engine, { ttl: 2 * TTL + 1 }), 'ERR_JIT_REQUIREMENTS')).toMatchObject(over);
      expect((await typesOf(store)).filter((type) => type === 'request.created')).toHaveLength(1);
    });

    it('L3 from a rule denies a longer first ask at its decision, and does not cut it', async () => {
      const { engine } = anExtendable({ maxTotalMs: TTL });
      const denied = await ask(engine, { ttl: TTL + 1 });
      expect(denied).toMatchObject({ outcome: 'denied', request: { end: { cause: 'limit' } } });
      expect((await aGranted(engine)).expiresAt).toBe(END);
    });

    it('L4 holds along a chain, to the millisecond', async () => {
      const { engine } = anExtendable({}, {}, { limits: { maxTotal: 3 * TTL - 1 } });
      let grant = await aGranted(engine);
      grant = await extended(engine, grant);
      grant = await extended(engine, grant);
      expect(grant).toMatchObject({ startsAt: at(2 * TTL), expiresAt: at(3 * TTL - 1), firstStartsAt: at(0) });
      expect(await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: 1 }), 'ERR_JIT_LIMIT')).toMatchObject({
        limit: 'maxTotal',
        max: 3 * TTL - 1,
        got: 3 * TTL - 1,
      });
    });

    it('L4 leaves no time for an extension at the cap, and records only the refused attempt', async () => {
      const { engine, store } = anExtendable({}, {}, { limits: { maxTotal: TTL } });
      const grant = await aGranted(engine);
      expect(await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: 1 }), 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'maxTotal' });
      await engine.flushAudit();
      expect((await entriesOf(store)).at(-1)).toMatchObject({ type: 'attempt.refused', actor: MAYA, grantId: grant.id });
    });

    it('L4 decided 1 ms before the cap, gives 1 ms', async () => {
      const { engine, clock } = anExtendable({}, {}, CAP);
      const request = await pendingExtension(engine, await aGranted(engine));
      expect(request.reviewBy).toBe(at(2 * TTL));
      await clock.set(at(2 * TTL) - 1);
      const next = only(await engine.approve(request.id, { by: SAM }));
      expect(next).toMatchObject({ startsAt: at(2 * TTL) - 1, expiresAt: at(2 * TTL) });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      expect(await allowedAt(engine, clock, at(2 * TTL))).toBe(false);
    });

    it('L4 L13 decided at the cap, is refused', async () => {
      const { engine, clock, store } = anExtendable({}, {}, CAP);
      const request = await pendingExtension(engine, await aGranted(engine));
      await clock.set(at(2 * TTL));
      await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_DEADLINE');
      expect((await typesOf(store)).filter((type) => type === 'grant.issued')).toHaveLength(1);
    });

    it('L4 from a rule applies first if it is lower, and moves the review deadline', async () => {
      const { engine, clock } = anExtendable({ maxTotalMs: TTL + MINUTE }, {}, CAP);
      const request = await pendingExtension(engine, await aGranted(engine));
      expect(request.reviewBy).toBe(END + MINUTE);
      await clock.set(END + MINUTE - 1);
      expect(only(await engine.approve(request.id, { by: SAM }))).toMatchObject({ expiresAt: END + MINUTE });
    });

    it('L4 from a rule does not raise the cap of the engine', async () => {
      const { engine } = anExtendable({ maxTotalMs: HOUR }, {}, CAP);
      expect(await extended(engine, await aGranted(engine), 2 * TTL)).toMatchObject({ expiresAt: at(2 * TTL) });
    });

    it('L4 from a rule that leaves no time ends the request as denied with cause limit, with no grant', async () => {
      const { engine, approver } = anExtendable();
      const grant = await aGranted(engine);
      approver.script.decide = { outcome: 'approve', terms: { maxTotalMs: TTL } };
      const result = await engine.extend(grant.id, { requestedBy: MAYA, ttl: TTL });
      expect(result).toMatchObject({ outcome: 'denied', request: { end: { cause: 'limit' } } });
      expect((await stored(engine, grant))?.successors).toEqual([]);
    });

    it('L6 is reached early by the leeway', async () => {
      const { engine, clock } = anExtendable({}, {}, { ...CAP, leewayMs: 1_000 });
      const request = await pendingExtension(engine, await aGranted(engine));
      await clock.set(at(2 * TTL) - 1_000);
      await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_DEADLINE');
    });
  });

  describe('a grant to be extended', () => {
    const endings: Readonly<Record<string, (engine: JitEngine, grant: Grant) => Promise<unknown>>> = {
      revoke: (engine, grant) => engine.revoke(grant.id, { by: ANA, reason: 'no more' }),
      release: (engine, grant) => engine.release(grant.id, { by: MAYA }),
      'revokeAll by scope': (engine) => engine.revokeAll({ scope: SCOPE }, { by: ANA }),
      'revokeAll by request': (engine, grant) => engine.revokeAll({ requestId: grant.requestId }, { by: ANA }),
    };

    /** Each actor that may decide an open request. */
    const DECIDING: Readonly<Record<string, (engine: JitEngine, id: string) => Promise<unknown>>> = {
      people: (engine, id) => engine.approve(id, { by: SAM }),
      'the approver': (engine, id) => decideAgain(engine, id),
      'the sweep': (engine) => engine.sweep(),
    };

    for (const [verb, end] of Object.entries(endings)) {
      it(`L12 cancels its pending extension when it ends by ${verb}, and no later review changes that`, async () => {
        const { engine, clock } = anExtendable();
        const grant = await aGranted(engine);
        const request = await pendingExtension(engine, grant);
        await end(engine, grant);
        expect(await requestEnd(engine, request.id)).toMatchObject({ status: 'cancelled' });
        await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_DECIDED');
        expect((await decideAgain(engine, request.id)).outcome).toBe('cancelled');
        for (const now of [at(0), END, END + TTL]) expect(await allowedAt(engine, clock, now)).toBe(false);
      });

      it(`L12 revokes its scheduled successor when it ends by ${verb}`, async () => {
        const { engine, clock } = anExtendable();
        const grant = await aGranted(engine);
        const next = await extended(engine, grant);
        await end(engine, grant);
        expect((await stored(engine, next))?.end).toMatchObject({ status: 'revoked' });
        for (const now of [at(0), END, END + TTL - 1]) expect(await allowedAt(engine, clock, now)).toBe(false);
        expect((await engine.listGrants({ during: { from: END, to: END + TTL } })).items).toEqual([]);
      });
    }

    for (const [verb, end] of [
      ['revoke', endings['revoke']],
      ['release', endings['release']],
    ] as const) {
      it(`L12 ${verb} of the first grant ends a chain of three, and the open requests to extend them, in one change`, async () => {
        const { engine, store } = anExtendable();
        const first = await aGranted(engine);
        const second = await extended(engine, first);
        const third = await extended(engine, second);
        const asked = [];
        for (const grant of [first, second, third]) asked.push(await pendingExtension(engine, grant, TTL + 1));
        const other = await pendingExtension(engine, await aGranted(engine, { scope: 'another' }));
        const head = await journalHead(engine);
        await end?.(engine, first);
        const written = (await entriesOf(store)).filter((entry) => entry.seq > head.seq);
        expect(new Set(written.map((entry) => entry.id.split('.')[0])).size).toBe(1);
        expect(written.map((entry) => [entry.type, entry.grantId ?? entry.requestId])).toEqual([
          ['grant.revoked', first.id],
          ['grant.revoked', second.id],
          ['grant.revoked', third.id],
          ...[...asked].sort((a, b) => (a.id < b.id ? -1 : 1)).map(({ id }) => ['request.cancelled', id]),
        ]);
        const by = verb === 'revoke' ? ANA : MAYA;
        for (const grant of [second, third]) expect((await stored(engine, grant))?.end).toMatchObject({ cause: 'origin_ended', by });
        for (const { id } of asked) expect(await requestEnd(engine, id)).toMatchObject({ status: 'cancelled', cause: 'origin_ended', by });
        expect(await requestEnd(engine, other.id)).toBeUndefined();
      });
    }

    it('L12 revoked in the middle of a chain, ends what comes after it and nothing before it', async () => {
      const { engine, clock } = anExtendable();
      const first = await aGranted(engine);
      const second = await extended(engine, first);
      const third = await extended(engine, second);
      const ofFirst = await pendingExtension(engine, first, TTL + 1);
      await engine.revoke(second.id, { by: ANA });
      expect((await stored(engine, third))?.end).toMatchObject({ cause: 'origin_ended' });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      expect(await requestEnd(engine, ofFirst.id)).toBeUndefined();
      expect(await allowedAt(engine, clock, END)).toBe(false);
    });

    it('L12 revoked after its own expiry, ends the successor that allows now', async () => {
      for (const swept of [false, true]) {
        const { engine, clock } = anExtendable();
        const first = await aGranted(engine);
        await extended(engine, first);
        expect(await allowedAt(engine, clock, END)).toBe(true);
        if (swept) await engine.sweep();
        await engine.revoke(first.id, { by: ANA });
        expect((await stored(engine, first))?.end).toMatchObject({ status: 'expired' });
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      }
    });

    it('L12 release by another subject is refused and ends nothing in the chain', async () => {
      const { engine } = anExtendable();
      const grant = await aGranted(engine);
      const request = await pendingExtension(engine, grant);
      const head = await journalHead(engine);
      await refusal(engine.release(grant.id, { by: SAM }), 'ERR_JIT_DENIED');
      await engine.flushAudit();
      expect(await requestEnd(engine, request.id)).toBeUndefined();
      expect((await journalHead(engine)).seq).toBe(head.seq + 1);
    });

    for (const verb of ['revoke', 'release'] as const) {
      for (const [whom, decide] of Object.entries(DECIDING)) {
        it(`L12 a request that the ${verb} could not see is never approved by ${whom}`, async () => {
          const { engine, clock, store, approver } = anExtendable({}, {}, { limits: { retryAfter: 1_000 } });
          const grant = await aGranted(engine);
          if (whom !== 'people') approver.script.decide = () => Promise.reject(new Error('down'));
          const asking = engine.extend(grant.id, { requestedBy: MAYA, ttl: TTL });
          const id = whom === 'people' ? (await asking).request.id : ((await refusal(asking, 'ERR_JIT_APPROVER')).requestId ?? '');
          const clear = store.inject('context', { fault: 'malformed', answer: noOpen });
          await endings[verb]?.(engine, grant);
          clear();
          expect(await requestEnd(engine, id)).toBeUndefined();
          approver.script.decide = { outcome: 'approve' };
          await clock.advance(1_000);
          await decide(engine, id);
          expect(await requestEnd(engine, id)).toMatchObject({ status: 'cancelled', cause: 'origin_ended' });
          expect((await typesOf(store)).filter((type) => type === 'grant.issued')).toHaveLength(1);
          for (const now of [at(2_000), END, END + TTL]) expect(await allowedAt(engine, clock, now)).toBe(false);
        });
      }
    }

    it('L12 revoked before the commit of an extension request, refuses the request', async () => {
      const { engine, store, clock, approver } = anExtendable();
      const grant = await aGranted(engine);
      const other = anEngine({ store, clock, approver }).engine;
      const commit = store.commit.bind(store);
      store.commit = async (change) => {
        store.commit = commit;
        // Between the ask's last read and its commit.
        await other.revoke(grant.id, { by: SAM });
        return commit(change);
      };
      await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: TTL }), 'ERR_JIT_ENDED');
      expect((await engine.listRequests({ status: 'pending' })).items).toEqual([]);
    });

    for (const [what, terms, end] of [
      ['has expired', {}, (_: JitEngine, clock: ManualClock) => clock.set(END)],
      ['has been idle', { idleTtlMs: MINUTE }, (_: JitEngine, clock: ManualClock) => clock.set(at(MINUTE))],
      ['has been used up', { maxUses: 1 }, (engine: JitEngine) => engine.consume(MAYA, SCOPE)],
    ] as const) {
      it(`L12 that ${what} does not block a pending extension, with or without a sweep`, async () => {
        for (const swept of [false, true]) {
          const { engine, clock } = anExtendable(terms);
          const grant = await aGranted(engine);
          const request = await pendingExtension(engine, grant);
          await end(engine, clock);
          if (swept) await engine.sweep();
          expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
          const next = only(await engine.approve(request.id, { by: SAM }));
          expect(next).toMatchObject({ startsAt: END, expiresAt: END + TTL });
          expect(await allowedAt(engine, clock, END - 1)).toBe(false);
          expect(await allowedAt(engine, clock, END)).toBe(true);
        }
      });
    }

    for (const [what, terms, end, status] of [
      ['has expired', {}, (_: JitEngine, clock: ManualClock) => clock.set(END), 'expired'],
      ['has been idle', { idleTtlMs: MINUTE }, (_: JitEngine, clock: ManualClock) => clock.set(at(MINUTE)), 'expired'],
      ['has been used up', { maxUses: 1 }, (engine: JitEngine) => engine.consume(MAYA, SCOPE), 'expired'],
      ['has been revoked', {}, (engine: JitEngine, _: ManualClock, grant: Grant) => engine.revoke(grant.id, { by: SAM }), 'revoked'],
      ['has been released', {}, (engine: JitEngine, _: ManualClock, grant: Grant) => engine.release(grant.id, { by: MAYA }), 'revoked'],
    ] as const) {
      it(`that ${what} cannot be extended: a new request is required`, async () => {
        for (const swept of [false, true]) {
          const { engine, clock, store } = anExtendable(terms);
          const grant = await aGranted(engine);
          await end(engine, clock, grant);
          if (swept) await engine.sweep();
          const created = (await typesOf(store)).filter((type) => type === 'request.created').length;
          const error = await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: TTL }), 'ERR_JIT_ENDED');
          expect(error).toMatchObject({ name: 'EndedError', grantId: grant.id });
          expect(error.end?.status).toBe((await stored(engine, grant))?.end?.status);
          if (swept) expect(error.end?.status).toBe(status);
          await engine.flushAudit();
          expect((await typesOf(store)).filter((type) => type === 'request.created')).toHaveLength(created);
          expect((await entriesOf(store)).at(-1)).toMatchObject({ type: 'attempt.refused', grantId: grant.id });
          expect((await ask(engine)).outcome).toBe('granted');
        }
      });
    }

    it('L6 cannot be extended within the leeway before its end', async () => {
      const { engine, clock } = anExtendable({}, {}, { leewayMs: 1_000 });
      const grant = await aGranted(engine);
      await clock.set(END - 1_001);
      await pendingExtension(engine, grant);
      await clock.set(END - 1_000);
      await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: 2 * TTL }), 'ERR_JIT_ENDED');
    });

    it('L12 L33 is kept by a purge while an extension request is pending, which can still be approved', async () => {
      const { engine, clock, store } = anExtendable();
      const grant = await aGranted(engine);
      const request = await pendingExtension(engine, grant);
      await clock.set(END);
      await engine.sweep();
      await clock.set(END + 1);
      expect(await purge(engine, { before: END + 1, by: SAM, force: true })).toMatchObject({ requests: 0, grants: 0 });
      const next = only(await engine.approve(request.id, { by: SAM }));
      expect((await stored(engine, grant))?.successors).toEqual([{ grantId: next.id, at: END + 1 }]);
      await engine.release(next.id, { by: MAYA });
      await clock.set(END + 2);
      expect(await purge(engine, { before: END + 2, by: SAM, force: true })).toMatchObject({ requests: 2, grants: 2 });
      expect(await store.get([{ kind: 'grant', id: grant.id }])).toEqual([undefined]);
      await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: 1 }), 'ERR_JIT_NOT_FOUND');
    });

    it('L12 L30 missing from the store, gives nothing: its pending extension ends without a grant', async () => {
      const { engine, store } = anExtendable();
      const grant = await aGranted(engine);
      const request = await pendingExtension(engine, grant);
      const remove = [{ kind: 'grant', id: grant.id }];
      await store.commit({ id: 'lost', expect: [{ kind: 'grant', id: grant.id, version: 1 }], put: [], append: [], remove });
      expect((await engine.approve(request.id, { by: SAM })).outcome).toBe('cancelled');
      expect(await requestEnd(engine, request.id)).toMatchObject({ cause: 'origin_ended' });
    });

    it('L12 L33 is kept by a purge while any grant of its chain is live, so that revoking the first ends them all', async () => {
      const { engine, clock } = anExtendable();
      const first = await aGranted(engine);
      const second = await extended(engine, first);
      await clock.set(END);
      const third = await extended(engine, second);
      await clock.set(END + TTL + 1);
      await engine.sweep();
      expect(await purge(engine, { before: END + TTL + 1, by: SAM, force: true })).toMatchObject({ requests: 0, grants: 0 });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      await engine.revoke(first.id, { by: ANA });
      expect((await stored(engine, third))?.end).toMatchObject({ cause: 'origin_ended' });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      await clock.advance(1);
      expect(await purge(engine, { before: clock.now(), by: SAM, force: true })).toMatchObject({ requests: 3, grants: 3 });
    });

    it('L34 L42 can be extended 49 times, also if each extension was released: then its chain has 50 grants and access is requested instead', async () => {
      const { engine, store, approver } = anExtendable();
      const grant = await aGranted(engine, { ttl: HOUR });
      for (let i = 0; i < 48; i++) await engine.release((await extended(engine, grant)).id, { by: MAYA });
      const waits = await pendingExtension(engine, grant);
      approver.script.decide = { outcome: 'approve' };
      // Another extension is requested and granted while the pending one is hidden.
      const clear = store.inject('context', { fault: 'malformed', answer: noOpen });
      expect((await engine.extend(grant.id, { requestedBy: MAYA, ttl: TTL })).outcome).toBe('granted');
      clear();
      const late = await engine.approve(waits.id, { by: SAM });
      expect(late).toMatchObject({ outcome: 'denied', request: { end: { cause: 'limit' } } });
      const refused = await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: TTL }), 'ERR_JIT_LIMIT');
      expect(refused).toMatchObject({ limit: 'extensions', max: 50, got: 51 });
      expect((await stored(engine, grant))?.successors).toHaveLength(49);
      expect((await engine.revoke(grant.id, { by: ANA })).end?.status).toBe('revoked');
    });

    it('L12 whose successor has been purged can still be revoked', async () => {
      const { engine, clock } = anExtendable();
      const first = await aGranted(engine, { ttl: '1h' });
      const second = await extended(engine, first);
      await engine.revoke(second.id, { by: ANA });
      await clock.set(at(1));
      expect(await purge(engine, { before: at(1), by: SAM, force: true })).toMatchObject({ requests: 1, grants: 1 });
      expect(await engine.revoke(first.id, { by: ANA })).toMatchObject({ end: { status: 'revoked' } });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });
  });

  describe('an extension and a clock that steps back', () => {
    it('L5 is neither requested nor approved while the clock is behind', async () => {
      const { engine, clock, store } = anExtendable();
      const grant = await aGranted(engine);
      const request = await pendingExtension(engine, grant);
      await clock.set(at(5 * MINUTE));
      await engine.isAllowed(MAYA, SCOPE);
      await clock.set(at(5 * MINUTE) - 1_001);
      await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: 2 * TTL }), 'ERR_JIT_CLOCK');
      await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_CLOCK');
      expect((await typesOf(store)).filter((type) => type === 'grant.issued')).toHaveLength(1);
      await clock.set(at(5 * MINUTE) - 1_000);
      expect((await engine.approve(request.id, { by: SAM })).outcome).toBe('granted');
    });

    it('L5 L12 ends with the grant that it extends, also while the clock is behind', async () => {
      const { engine, clock } = anExtendable();
      const grant = await aGranted(engine);
      const request = await pendingExtension(engine, grant);
      await clock.set(at(5 * MINUTE));
      await engine.isAllowed(MAYA, SCOPE);
      await clock.set(at(1));
      await engine.revoke(grant.id, { by: SAM });
      expect(await requestEnd(engine, request.id)).toMatchObject({ cause: 'origin_ended' });
    });

    it('L1 L5 is not revived after its end, and does not start before its start', async () => {
      const { engine, clock } = anExtendable();
      await extended(engine, await aGranted(engine));
      expect(await allowedAt(engine, clock, END)).toBe(true);
      // The old grant has ended permanently, and the new grant has not started.
      expect(await allowedAt(engine, clock, END - 1)).toBe(false);
      expect(await allowedAt(engine, clock, END + TTL)).toBe(false);
      expect(await allowedAt(engine, clock, END + TTL - 1)).toBe(false);
    });

    it('L13 L27 is approved by a process with a slow clock at no instant before the last one on the old grant', async () => {
      const { engine, clock, store, approver } = anExtendable();
      const grant = await aGranted(engine);
      const one = await pendingExtension(engine, grant);
      await clock.set(at(5 * MINUTE));
      await engine.approve(one.id, { by: SAM });
      const slow = anEngine({ store, approver, clock: new ManualClock(at(4.5 * MINUTE)) });
      await acceptClock(slow.engine, { by: SAM });
      const two = await pendingExtension(slow.engine, grant);
      const next = only(await slow.engine.approve(two.id, { by: SAM }));
      expect(next.issuedAt).toBe(at(5 * MINUTE));
      expect((await stored(engine, grant))?.successors.map((successor) => successor.at)).toEqual([at(5 * MINUTE), at(5 * MINUTE)]);
    });
  });

  describe('an extension of break-glass access', () => {
    const emergency = () =>
      anExtendable({}, { breakGlass: { outcome: 'approve', reviewWithinMs: HOUR }, mayReviewBreakGlass: (who) => who === LEE });
    const taken = async (engine: JitEngine) =>
      only(await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: TTL, justification: 'the primary is down' }));

    it('is never granted by the approver alone', async () => {
      const { engine, approver } = emergency();
      const grant = await taken(engine);
      approver.script.decide = { outcome: 'approve' };
      const result = await engine.extend(grant.id, { requestedBy: MAYA, ttl: TTL });
      expect(result).toMatchObject({ outcome: 'denied', request: { extension: { breakGlass: true }, end: { cause: 'approver' } } });
      expect((await stored(engine, grant))?.successors).toEqual([]);
    });

    it('is granted by people, and ends with the access if the review finds it unjustified', async () => {
      const { engine } = emergency();
      const grant = await taken(engine);
      const next = await extended(engine, grant);
      const pending = await pendingExtension(engine, next);
      await engine.reviewBreakGlass(grant.requestId, { by: LEE, verdict: 'unjustified' });
      expect((await stored(engine, next))?.end).toMatchObject({ cause: 'origin_ended' });
      expect(await requestEnd(engine, pending.id)).toMatchObject({ cause: 'origin_ended' });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });
  });

  it('L4 an automatic approver extends as its rule says, and a denied extension leaves the old grant unchanged', async () => {
    let yes = true;
    const { engine, clock } = anEngine({ approver: autoApprove((request) => request.extension === undefined || yes) });
    const grant = await aGranted(engine);
    expect(only(await engine.extend(grant.id, { requestedBy: MAYA, ttl: TTL }))).toMatchObject({ startsAt: END });
    yes = false;
    expect((await engine.extend(grant.id, { requestedBy: MAYA, ttl: 2 * TTL })).outcome).toBe('denied');
    expect(await allowedAt(engine, clock, END + TTL - 1)).toBe(true);
  });
});
