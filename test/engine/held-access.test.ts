import { preview } from 'jit-access/explain';
import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, type AccessAsk, type JitEngine } from '../../src/index.js';
import { FaultyStore, ScriptedApprover } from '../../src/testing.js';
import { aGranted, anEngine, ask, at, entriesOf, grantsOf, HOUR, LEE, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from './an-engine.js';
import { wholeStore } from './whole-store.js';

const QUARTER = 15 * MINUTE;
const five = (engine: JitEngine, over: Partial<AccessAsk> = {}) => ask(engine, { ttl: 5 * MINUTE, ...over });
const counted = async (store: FaultyStore, type: string) => (await typesOf(store)).filter((one) => one === type).length;

/** Maya holds the scope for a quarter of an hour, since five minutes. */
async function aHolder(options: Parameters<typeof anEngine>[0] = {}, over: Partial<AccessAsk> = {}) {
  const made = anEngine(options);
  const grant = await aGranted(made.engine, over);
  await made.clock.set(at(5 * MINUTE));
  return { ...made, grant, id: grant.requestId };
}

describe('an ask for access that the subject holds', () => {
  it('L44 [FE4] returns the request that gave it; an ask for longer, for another ticket or for one scope more is a new request', async () => {
    const { engine, store, grant, id } = await aHolder();
    const before = await wholeStore(store);
    expect(await five(engine)).toMatchObject({
      outcome: 'granted',
      allowed: true,
      reused: true,
      grants: [{ id: grant.id }],
      differs: ['ttl'],
    });
    expect(await ask(engine, { ttl: 10 * MINUTE })).toMatchObject({ reused: true, request: { id } });
    expect(await wholeStore(store)).toEqual(before);
    for (const over of [{ ttl: 10 * MINUTE + 1 }, { ticket: 'INC-1' }, { scopes: [SCOPE, 'other'] }]) {
      expect(await five(engine, over)).toMatchObject({ outcome: 'pending', reused: false });
    }
  });

  it('L44 [FE4] compares each reason that the ask gives, and no other', async () => {
    const reasons = { justification: 'a leak', ticket: 'INC-1', metadata: { host: 'db1', n: 1 } };
    const { engine, id } = await aHolder({}, reasons);
    for (const same of [{}, reasons, { ticket: 'INC-1' }, { metadata: { n: 1, host: 'db1' } }]) {
      expect(await five(engine, same)).toMatchObject({ reused: true, request: { id } });
    }
    for (const other of [{ justification: 'a flood' }, { ticket: 'INC-2' }, { metadata: { host: 'db1' } }]) {
      const { request, reused } = await five(engine, other);
      expect(reused).toBe(false);
      await engine.cancel(request.id, { by: MAYA });
    }
  });

  it('L20 [FE4] is refused once the ask is not eligible, or a lock refuses it', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve' }, isEligible: true });
    const { engine, id } = await aHolder({ approver });
    expect(await five(engine)).toMatchObject({ reused: true, request: { id } });
    approver.script.isEligible = false;
    await refusal(five(engine), 'ERR_JIT_INELIGIBLE');
    approver.script.isEligible = true;
    await engine.lock({ subject: LEE }, { by: SAM, reason: 'x' });
    await refusal(five(engine, { requestedBy: LEE }), 'ERR_JIT_LOCKED');
  });

  it('L43 [FE4] counts only for the same run and operator', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve' } });
    const { engine, clock } = anEngine({ approver, agents: (id) => id === 'agent:7' });
    const run = { agent: 'agent:7', operator: MAYA };
    const asking = (of: typeof run | { subject: string }, ttl: number) =>
      engine.requestAccess({ ...('agent' in of ? { run: of } : of), scope: SCOPE, ttl });
    const first = await asking(run, QUARTER);
    await clock.set(at(5 * MINUTE));
    expect(await asking(run, MINUTE)).toMatchObject({ reused: true, request: { id: first.request.id } });
    expect((await asking({ ...run, operator: LEE }, MINUTE)).reused).toBe(false);
    // The same run, and no operator named.
    expect((await asking({ subject: first.request.subject }, MINUTE)).reused).toBe(false);
  });

  it('L18 [FE4] is answered neither by break-glass nor by counted uses', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve' }, breakGlass: { outcome: 'approve', reviewWithinMs: HOUR } });
    const { engine } = anEngine({ approver });
    const taken = await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: QUARTER, justification: 'down' });
    const asked = await five(engine);
    expect([asked.reused, asked.request.id === taken.request.id]).toEqual([false, false]);
    const uses = new ScriptedApprover({ decide: { outcome: 'approve', terms: { maxUses: 2 } } });
    const { engine: other } = await aHolder({ approver: uses });
    expect((await five(other)).reused).toBe(false);
  });

  it('L18 [FE4] is for the granted scopes, where reviewers narrowed the request', async () => {
    const { engine } = anEngine();
    const { request } = await ask(engine, { scopes: ['a', 'b'] });
    await engine.approve(request.id, { by: SAM, scopes: ['a'], ttl: '10m' });
    expect(await five(engine, { scopes: ['a'] })).toMatchObject({ reused: true, request: { id: request.id } });
    expect((await five(engine, { scopes: ['a', 'b'] })).reused).toBe(false);
  });

  it('L12 [FE4] is a new request once one of the grants has ended', async () => {
    const { engine } = anEngine();
    const [one] = await grantsOf(engine, { scopes: ['a', 'b'] });
    await engine.revoke(one?.id as string, { by: SAM });
    for (const scopes of [['a', 'b'], ['b']]) expect((await five(engine, { scopes })).reused).toBe(false);
  });

  it('L12 [FE4] is answered by an extension, from its start', async () => {
    const { engine, clock, grant, id } = await aHolder();
    const { request: more } = await engine.extend(grant.id, { requestedBy: MAYA, ttl: HOUR });
    await engine.approve(more.id, { by: SAM });
    expect((await five(engine, { ttl: HOUR })).reused).toBe(false);
    expect(await five(engine)).toMatchObject({ reused: true, request: { id } });
    expect(await five(engine, { startsAt: at(QUARTER) })).toMatchObject({ reused: true, request: { id: more.id }, allowed: false });
    await clock.set(at(QUARTER));
    expect(await five(engine)).toMatchObject({ reused: true, request: { id: more.id }, allowed: true });
  });

  it("L18 [FE4] is refused with `duplicates: 'refuse'`, and so is an amendment that asks for it", async () => {
    const { engine, id } = await aHolder({ limits: { duplicates: 'refuse' } });
    expect((await refusal(five(engine), 'ERR_JIT_LIMIT')).message).toContain(`request ${id} gives this already`);
    const longer = await ask(engine, { ttl: HOUR });
    expect(await refusal(engine.amend(longer.request.id, { by: MAYA, ttl: '5m' }), 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'duplicates' });
  });

  it('L11 [FE4] commits only the key, which returns the same request from then on', async () => {
    const { engine, store, clock, id } = await aHolder();
    const keyed = () => five(engine, { idempotencyKey: 'k' });
    const length = (await entriesOf(store)).length;
    expect(await keyed()).toMatchObject({ reused: true, request: { id } });
    expect((await typesOf(store)).slice(length)).toEqual(['request.reused']);
    await clock.set(at(QUARTER));
    expect(await keyed()).toMatchObject({ outcome: 'ended', reused: true, request: { id } });
    await refusal(ask(engine, { idempotencyKey: 'k' }), 'ERR_JIT_IDEMPOTENCY');
  });

  it('L11 [FE4] has a dry run that says the same and stores no request', async () => {
    const { engine, id } = await aHolder();
    const dry = (over: Partial<AccessAsk> = {}) => preview(engine, { subject: MAYA, scope: SCOPE, ttl: '5m', ...over });
    expect(await dry()).toMatchObject({ outcome: 'granted', reused: true, dryRun: true, request: { id } });
    expect(await dry({ ticket: 'INC-1' })).toMatchObject({ outcome: 'pending', reused: false });
  });

  it('L42 [FE4] is answered where the limits of the subject are reached', async () => {
    const { engine, id } = await aHolder({ limits: { maxGrants: 1, maxTotal: QUARTER, maxTtl: QUARTER } });
    expect(await five(engine)).toMatchObject({ reused: true, request: { id } });
  });

  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`L10 [FE4] opens no request beside an approval in another process: it is pending or held (interleaving ${seed})`, async () => {
      const store = new FaultyStore(new MemoryGrantStore());
      const { engine, clock } = anEngine({ store });
      const other = anEngine({ store, clock }).engine;
      const { request } = await ask(engine);
      store.inject('all', { fault: 'yield', seed });
      // The pending request is for longer than these ask for: each is a new request until the other is approved.
      const [, ...answers] = await Promise.all([
        engine.approve(request.id, { by: SAM }),
        ...Array.from({ length: 8 }, (_, i) => five(i % 2 ? engine : other)),
      ]);
      const after = await Promise.all(Array.from({ length: 8 }, (_, i) => five(i % 2 ? engine : other, { ttl: 4 * MINUTE })));
      store.clear();
      const opened = new Set(answers.filter(({ reused }) => !reused).map((one) => one.request.id));
      expect(opened.size).toBeLessThanOrEqual(1);
      expect(await counted(store, 'request.created')).toBe(1 + opened.size);
      // Once the approval has committed, every process finds the access.
      expect(new Set(after.map((one) => [one.reused, one.request.id].join()))).toEqual(new Set([`true,${request.id}`]));
      expect(await counted(store, 'grant.issued')).toBe(1);
    });
  }
});
