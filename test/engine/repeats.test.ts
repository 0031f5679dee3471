import { waitFor } from 'jit-access/work';
import { purge } from 'jit-access/retention';
import { preview } from 'jit-access/explain';
import { describe, expect, it } from 'vitest';
import { autoApprove, MemoryGrantStore, type JitEngineOptions } from '../../src/index.js';
import { FaultyStore, ManualClock, ScriptedApprover } from '../../src/testing.js';
import { anEngine, ask, at, entriesOf, HOUR, MAYA, MINUTE, SAM, SCOPE } from './an-engine.js';
import { decideAgain } from './decide-again.js';

const KEY = { idempotencyKey: 'refund-1138' } as const;
const DAY = 24 * HOUR;
/** Returns the error, so that an answer in place of a refusal fails the comparison too. */
const asIs = (error: unknown) => error;

/** Every ask is approved at once, for some uses. */
const uses = (maxUses: number, terms: { readonly idleTtlMs?: number } = {}) =>
  new ScriptedApprover({ decide: { outcome: 'approve', terms: { maxUses, ...terms } } });

/** Maya holds the scope, for an hour, and has used it once under a key. */
async function aUse(maxUses = 3, options: Partial<JitEngineOptions> = {}, terms = {}, ttl = HOUR) {
  const made = anEngine({ approver: uses(maxUses, terms), ...options });
  const { request } = await ask(made.engine, { ttl });
  const grantId = `${request.id}.1`;
  const first = await made.engine.consume(MAYA, SCOPE, KEY);
  const again = () => made.engine.consume(MAYA, SCOPE, KEY);
  const use = { at: first.at, usesLeft: first.usesLeft };
  return { ...made, request, grantId, first, again, use };
}

describe('a repeated consume', () => {
  it('returns reused: true while its grant allows, and takes no further use (L11, L36) [H1]', async () => {
    const { first, again, store } = await aUse(3);
    expect(first).toMatchObject({ reused: false, allowed: true, usesLeft: 2 });
    const before = (await entriesOf(store)).length;
    const answers = await Promise.all(Array.from({ length: 1_000 }, again));
    expect(new Set(answers.map((answer) => answer.reused))).toEqual(new Set([true]));
    expect(answers[0]).toMatchObject({ allowed: true, subject: MAYA, scope: SCOPE, at: first.at, usesLeft: 2 });
    expect(await entriesOf(store)).toHaveLength(before);
  });

  type Made = Awaited<ReturnType<typeof aUse>>;
  const ends: readonly (readonly [string, (made: Made) => Promise<unknown>, number?])[] = [
    ['its grant was revoked', ({ engine, grantId }) => engine.revoke(grantId, { by: SAM })],
    ['its grant was released', ({ engine, grantId }) => engine.release(grantId, { by: MAYA })],
    ['everything of its subject was revoked', ({ engine }) => engine.revokeAll({ subject: MAYA }, { by: SAM })],
    ['its grant has expired, without a sweep', ({ clock }) => clock.set(at(HOUR))],
    ['its grant has expired, with a sweep', ({ clock, engine }) => clock.set(at(HOUR)).then(() => engine.sweep())],
    ['another use was the last one', ({ engine }) => engine.consume(MAYA, SCOPE).then(() => engine.consume(MAYA, SCOPE))],
    ['its grant ended days ago', ({ clock }) => clock.set(at(20 * DAY))],
  ];
  for (const [what, end] of ends) {
    it(`is refused once ${what}, with the use that was taken (L36) [H1]`, async () => {
      const made = await aUse();
      await end(made);
      expect(await made.engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect(await made.again().catch(asIs)).toMatchObject({
        code: 'ERR_JIT_DENIED',
        actor: MAYA,
        reused: true,
        use: made.use,
        decision: { allowed: false, reason: 'no_grant', scope: SCOPE },
      });
    });
  }

  it('is refused once its grant has been idle for too long, and not before (L36) [H1]', async () => {
    const { clock, again } = await aUse(3, {}, { idleTtlMs: 10 * MINUTE });
    await clock.set(at(10 * MINUTE - 1));
    expect(await again()).toMatchObject({ reused: true });
    await clock.set(at(10 * MINUTE));
    expect(await again().catch(asIs)).toMatchObject({ code: 'ERR_JIT_DENIED', reused: true });
  });

  it('is refused earlier by the leeway, like every end (L6, L36) [H1]', async () => {
    const { clock, again } = await aUse(3, { leewayMs: 1_000 });
    await clock.set(at(HOUR - 1_001));
    expect(await again()).toMatchObject({ reused: true });
    await clock.set(at(HOUR - 1_000));
    expect(await again().catch(asIs)).toMatchObject({ code: 'ERR_JIT_DENIED', reused: true });
  });

  it('is refused after a purge removed its grant, while its key is known (L33, L36) [H1]', async () => {
    const made = await aUse(3, { limits: { maxTtl: '5d', maxTotal: '5d' } }, {}, 4 * DAY);
    const { engine, clock, store, grantId, again } = made;
    await clock.set(at(HOUR));
    await engine.revoke(grantId, { by: SAM });
    await clock.set(at(2 * DAY));
    for (const scope of ['a', 'b', 'c', 'd', 'e']) await ask(engine, { scope });
    expect(await purge(engine, { before: at(2 * HOUR), by: SAM })).toMatchObject({ grants: 1 });
    expect((await store.find({ kind: 'use', limit: 10 })).items).toHaveLength(1);
    expect(await again().catch(asIs)).toMatchObject({ code: 'ERR_JIT_DENIED', reused: true, use: made.use });
  });

  it('is refused in another process, too (L12, L36) [H1]', async () => {
    const { store, clock, engine, grantId } = await aUse();
    const other = anEngine({ store, clock, approver: uses(3) }).engine;
    expect(await other.consume(MAYA, SCOPE, KEY)).toMatchObject({ reused: true });
    await engine.revoke(grantId, { by: SAM });
    expect(await other.consume(MAYA, SCOPE, KEY).catch(asIs)).toMatchObject({ code: 'ERR_JIT_DENIED', reused: true });
  });

  it('is refused though an extension of its grant allows: that is another grant (L36) [H1]', async () => {
    const { engine, clock, grantId, again } = await aUse();
    await engine.extend(grantId, { ttl: HOUR, requestedBy: MAYA });
    await clock.set(at(HOUR));
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    expect(await again().catch(asIs)).toMatchObject({ code: 'ERR_JIT_DENIED', reused: true });
    expect(await engine.consume(MAYA, SCOPE, { idempotencyKey: 'another' })).toMatchObject({ reused: false, usesLeft: 2 });
  });

  it('of the last use resolves while the window runs: only this use has ended the grant (L36) [H1]', async () => {
    const { engine, clock, first, again, use } = await aUse(1);
    expect(first).toMatchObject({ reused: false, allowed: true, usesLeft: 0 });
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    await clock.set(at(HOUR - 1));
    expect(await again()).toMatchObject({ reused: true, allowed: true, usesLeft: 0, at: first.at, grant: { end: { cause: 'used_up' } } });
    await clock.set(at(HOUR));
    expect(await again().catch(asIs)).toMatchObject({ code: 'ERR_JIT_DENIED', reused: true, use });
  });

  it('of the last use is refused when the grant would have been idle for too long (L36) [H1]', async () => {
    const { clock, again } = await aUse(1, {}, { idleTtlMs: 10 * MINUTE });
    await clock.set(at(10 * MINUTE - 1));
    expect(await again()).toMatchObject({ reused: true });
    await clock.set(at(10 * MINUTE));
    expect(await again().catch(asIs)).toMatchObject({ code: 'ERR_JIT_DENIED', reused: true });
  });

  it('is recorded in the journal when it is refused (L29, L36) [H1]', async () => {
    const { engine, store, grantId, again } = await aUse();
    await engine.revoke(grantId, { by: SAM });
    await again().catch(() => undefined);
    await engine.flushAudit();
    const refused = (await entriesOf(store)).filter(({ type }) => type === 'attempt.refused');
    expect(refused).toMatchObject([{ actor: MAYA, data: { code: 'ERR_JIT_DENIED', count: 1, scopes: [SCOPE] } }]);
  });

  for (const seed of [1, 2, 3]) {
    it(`made 32 times concurrently takes one use, and one answer is not reused (interleaving ${seed}) (L11, L36) [H1]`, async () => {
      const store = new FaultyStore(new MemoryGrantStore());
      const made = anEngine({ approver: uses(1), store });
      await ask(made.engine);
      const other = anEngine({ approver: uses(1), store, clock: made.clock }).engine;
      store.inject('all', { fault: 'yield', seed });
      const answers = await Promise.all(Array.from({ length: 32 }, (_, i) => (i % 2 ? other : made.engine).consume(MAYA, SCOPE, KEY)));
      store.clear();
      expect(answers.filter(({ reused }) => !reused)).toHaveLength(1);
      expect(new Set(answers.map(({ usesLeft }) => usesLeft))).toEqual(new Set([0]));
    });
  }

  it('without a counted grant is decided again each time: no key is stored, so none is reused (L36) [H1]', async () => {
    const { engine } = anEngine({ approver: autoApprove(() => true) });
    const { request } = await ask(engine);
    for (let i = 0; i < 2; i++) expect(await engine.consume(MAYA, SCOPE, KEY)).toMatchObject({ reused: false, usesLeft: undefined });
    await engine.revoke(`${request.id}.1`, { by: SAM });
    expect(await engine.consume(MAYA, SCOPE, KEY).catch(asIs)).toMatchObject({ code: 'ERR_JIT_DENIED', reused: false, use: undefined });
  });
});

describe('a repeated ask', () => {
  const emergency = new ScriptedApprover({
    decide: { outcome: 'approve' },
    breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
    mayReviewBreakGlass: true,
  });

  /** Each verb that creates under a key; each is for the scope, for 15 minutes. */
  const verbs = {
    requestAccess: async () => {
      const made = anEngine({ approver: emergency });
      return { ...made, repeat: () => ask(made.engine, KEY) };
    },
    breakGlass: async () => {
      const made = anEngine({ approver: emergency });
      const asked = { subject: MAYA, scope: SCOPE, ttl: 15 * MINUTE, justification: 'the site is down', ...KEY };
      return { ...made, repeat: () => made.engine.breakGlass(asked) };
    },
    extend: async () => {
      const made = anEngine({ approver: emergency });
      const { request } = await ask(made.engine);
      const more = () => made.engine.extend(`${request.id}.1`, { ttl: 15 * MINUTE, requestedBy: MAYA, ...KEY });
      return { ...made, repeat: more };
    },
  };

  for (const [verb, make] of Object.entries(verbs)) {
    it(`by ${verb} says reused: true under its own key, and false before (L11, L36) [H1]`, async () => {
      const { repeat, store } = await make();
      const first = await repeat();
      const rows = (await store.find({ kind: 'request', limit: 10 })).items.length;
      const again = await repeat();
      expect([first.reused, again.reused]).toEqual([false, true]);
      expect(again.request.id).toBe(first.request.id);
      expect((await store.find({ kind: 'request', limit: 10 })).items).toHaveLength(rows);
    });

    for (const [how, end] of [
      ['was revoked', ({ engine }, id) => engine.revoke(`${id}.1`, { by: SAM })],
      ['was released', ({ engine }, id) => engine.release(`${id}.1`, { by: MAYA })],
      ['expired, without a sweep', ({ clock }) => clock.set(at(HOUR))],
      ['expired, with a sweep', ({ clock, engine }) => clock.set(at(HOUR)).then(() => engine.sweep())],
    ] as readonly (readonly [string, (made: ReturnType<typeof anEngine>, id: string) => Promise<unknown>])[]) {
      it(`by ${verb} says ended, and never granted, once each of its grants ${how} (L36) [H1]`, async () => {
        const made = await make();
        const first = await made.repeat();
        expect(first).toMatchObject({ outcome: 'granted', allowed: verb !== 'extend' });
        await end(made, first.request.id);
        expect(await made.repeat()).toMatchObject({ outcome: 'ended', allowed: false, reused: true, grants: [{ scope: SCOPE }] });
        expect(await decideAgain(made.engine, first.request.id)).toMatchObject({ outcome: 'ended', allowed: false });
        expect(await waitFor(made.engine, first.request.id)).toMatchObject({ outcome: 'ended', allowed: false });
      });
    }
  }

  it('says ended once its grant was used up, or idle for too long, without a sweep (L36) [H1]', async () => {
    const { engine, clock, request } = await aUse(1);
    expect(await decideAgain(engine, request.id)).toMatchObject({ outcome: 'ended', allowed: false });
    const idle = anEngine({ clock, approver: new ScriptedApprover({ decide: { outcome: 'approve', terms: { idleTtlMs: MINUTE } } }) });
    await ask(idle.engine, KEY);
    await clock.set(at(MINUTE - 1));
    expect(await ask(idle.engine, KEY)).toMatchObject({ outcome: 'granted', allowed: true });
    await clock.set(at(MINUTE));
    expect(await ask(idle.engine, KEY)).toMatchObject({ outcome: 'ended', allowed: false });
  });

  it('says granted, but not allowed, before a scheduled start (L2, L36) [H1]', async () => {
    const { engine, clock } = anEngine({ approver: autoApprove(() => true) });
    const asked = { ...KEY, startsAt: at(MINUTE) };
    expect(await ask(engine, asked)).toMatchObject({ outcome: 'granted', allowed: false, reused: false });
    await clock.set(at(MINUTE - 1));
    expect(await ask(engine, asked)).toMatchObject({ outcome: 'granted', allowed: false, reused: true });
    await clock.set(at(MINUTE));
    expect(await ask(engine, asked)).toMatchObject({ outcome: 'granted', allowed: true, reused: true });
  });

  it('says granted while one of several grants is left (L36) [H1]', async () => {
    const { engine } = anEngine({ approver: autoApprove(() => true) });
    const asked = { ...KEY, scopes: ['a', 'b'] };
    const { request } = await ask(engine, asked);
    await engine.revoke(`${request.id}.1`, { by: SAM });
    expect(await ask(engine, asked)).toMatchObject({ outcome: 'granted', allowed: true });
    await engine.revoke(`${request.id}.2`, { by: SAM });
    expect(await ask(engine, asked)).toMatchObject({ outcome: 'ended', allowed: false });
  });

  it('says ended once the grants that it reused under a new key have ended (L36) [H1]', async () => {
    const { engine, clock } = anEngine({ approver: autoApprove(() => true) });
    const { request } = await ask(engine);
    expect(await ask(engine, KEY)).toMatchObject({ outcome: 'granted', allowed: true, reused: true, request: { id: request.id } });
    await clock.set(at(HOUR));
    expect(await ask(engine, KEY)).toMatchObject({ outcome: 'ended', allowed: false, reused: true, request: { id: request.id } });
  });

  it('says allowed: false for each outcome without a grant, and for a dry run (L36) [H1]', async () => {
    const { engine } = anEngine({ limits: { reviewWithin: HOUR } });
    const pending = await ask(engine, KEY);
    expect(pending).toMatchObject({ outcome: 'pending', allowed: false });
    expect(await engine.deny(pending.request.id, { by: SAM })).toMatchObject({ outcome: 'denied', allowed: false });
    expect(await ask(engine, KEY)).toMatchObject({ outcome: 'denied', allowed: false, reused: true });
    const easy = anEngine({ approver: autoApprove(() => true) }).engine;
    const dry = await preview(easy, { subject: MAYA, scope: SCOPE, ttl: MINUTE });
    expect(dry).toMatchObject({ outcome: 'granted', allowed: false });
  });

  it('is answered by approve with whether the grant allows, at the reading at which it was issued (L6, L36) [H1]', async () => {
    const { engine } = anEngine({ leewayMs: 1_000 });
    const { request } = await ask(engine);
    expect(await engine.approve(request.id, { by: SAM })).toMatchObject({ outcome: 'granted', allowed: true });
    const short = await ask(engine, { scope: 'other', ttl: 1_000 });
    expect(await engine.approve(short.request.id, { by: SAM })).toMatchObject({ outcome: 'ended', allowed: false });
  });

  it('reads the rows again where an idle end passed while a use was recorded (L1, L36) [H1]', async () => {
    const clock = new ManualClock();
    const store = new FaultyStore(new MemoryGrantStore());
    const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { idleTtlMs: MINUTE } } });
    const { engine } = anEngine({ clock, store, approver });
    await ask(engine, KEY);
    await clock.set(at(MINUTE - 1));
    const get = store.get.bind(store);
    store.get = async (keys) => {
      const rows = await get(keys);
      if (keys[0]?.kind !== 'usage') return rows;
      store.get = get;
      await engine.check(MAYA, SCOPE, { touch: 'wait' });
      await clock.set(at(MINUTE));
      return rows;
    };
    expect(await ask(engine, KEY)).toMatchObject({ outcome: 'granted', allowed: true });
  });
});
