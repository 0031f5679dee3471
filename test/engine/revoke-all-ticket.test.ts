import { describe, expect, it } from 'vitest';
import type { AccessAsk, AccessRequest, JitEngine, Verdict } from '../../src/index.js';
import { ScriptedApprover } from '../../src/testing.js';
import { expectReplayed } from '../property/fold.js';
import { anEngine, ask, at, entriesOf, HOUR, LEE, MAYA, MINUTE, refusal, SAM, SCOPE } from './an-engine.js';

const CISO = { by: 'user:ciso', reason: 'INC-1 is closed' };
const TICKET = 'INC-1';

const REVIEW: Verdict = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } };

/** Approves every ask, except those that are justified with `review`. */
const anApproving = (limits: object = {}) => {
  const decide = ({ justification }: AccessRequest): Verdict => (justification === 'review' ? REVIEW : { outcome: 'approve' });
  return anEngine({ approver: new ScriptedApprover({ decide }), limits: { maxTotal: '30d', ...limits } });
};

async function granted(engine: JitEngine, over: Partial<AccessAsk> = {}) {
  const result = await ask(engine, over);
  if (result.outcome !== 'granted') throw new Error(`expected grants, got ${result.outcome}`);
  return result.grants;
}

const extend = async (engine: JitEngine, grantId: string, over: object = {}) => {
  const result = await engine.extend(grantId, { requestedBy: MAYA, ttl: 15 * MINUTE, ...over });
  if (result.outcome !== 'granted') throw new Error(`expected grants, got ${result.outcome}`);
  return result.grants[0]?.id as string;
};

describe('revokeAll({ ticket }) (feature 11)', () => {
  it('L12 ends the grants and cancels the requests that cite exactly this ticket, of all subjects, and no others', async () => {
    const { engine, store } = anEngine();
    const pending = async (over: Partial<AccessAsk>) => (await ask(engine, over)).request.id;
    const approved = async (over: Partial<AccessAsk>) => {
      const result = await engine.approve(await pending(over), { by: SAM });
      return result.outcome === 'granted' ? result.grants.map(({ id }) => id) : [];
    };
    const own = await approved({ scopes: ['a', 'b'], ticket: TICKET });
    const scheduled = await approved({ subject: LEE, scope: 'c', startsAt: at(HOUR), ticket: TICKET });
    const waiting = await pending({ scope: 'd', ticket: TICKET });
    await approved({ scope: 'e', ticket: 'INC-11' });
    await approved({ scope: 'f' });
    await pending({ scope: 'g', ticket: 'inc-1' });
    const report = await engine.revokeAll({ ticket: TICKET }, CISO);
    expect(report.grants.map(({ id }) => id).sort()).toEqual([...own, ...scheduled].sort());
    expect(report.requests.map(({ id, end }) => [id, end?.cause])).toEqual([[waiting, 'revoked']]);
    expect(report).toMatchObject({ matched: true, similar: [] });
    expect(await engine.filterAllowed(MAYA, ['a', 'b', 'e', 'f'])).toEqual(['e', 'f']);
    await expectReplayed(store);
  });

  it('says that nothing matched, and records nothing', async () => {
    const { engine, store } = anApproving();
    await granted(engine, { ticket: TICKET });
    const before = (await entriesOf(store)).length;
    const report = await engine.revokeAll({ ticket: 'INC-2' }, CISO);
    expect(report).toEqual({ grants: [], requests: [], matched: false, similar: [] });
    expect((await entriesOf(store)).length).toBe(before);
  });

  it('L12 ends extensions under another ticket, also where the first grant has expired', async () => {
    const { engine, clock } = anApproving();
    const [first] = await granted(engine, { ticket: TICKET });
    const second = await extend(engine, first?.id as string, { ticket: 'INC-2' });
    const third = await extend(engine, second);
    await clock.set(at(20 * MINUTE));
    await engine.sweep();
    const report = await engine.revokeAll({ ticket: TICKET }, CISO);
    expect(report.grants.map(({ id }) => id).sort()).toEqual([second, third].sort());
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it('L12 cancels a pending extension under another ticket whose grant has expired', async () => {
    const { engine, clock } = anApproving();
    const [first] = await granted(engine, { ticket: TICKET });
    const { request } = await engine.extend(first?.id as string, { requestedBy: MAYA, ttl: '5m', justification: 'review' });
    await clock.set(at(20 * MINUTE));
    await engine.sweep();
    const report = await engine.revokeAll({ ticket: TICKET }, CISO);
    expect(report.requests.map(({ id }) => id)).toEqual([request.id]);
  });

  it('L30 names a request that cannot be read, because it may cite the ticket, and ends the others', async () => {
    const { engine, store } = anApproving();
    const [damaged] = await granted(engine, { scope: 'a', ticket: TICKET });
    const [sound] = await granted(engine, { scope: 'b', ticket: TICKET });
    const [row] = await store.get([{ kind: 'request', id: damaged?.requestId as string }]);
    if (row === undefined) throw new Error('no row');
    await store.commit({
      id: 'damage',
      expect: [{ kind: row.kind, id: row.id, version: row.version }],
      put: [{ ...row, version: row.version + 1, body: { ...row.body, end: 'soon' } }],
      append: [],
    });
    const partial = await refusal(engine.revokeAll({ ticket: TICKET }, CISO), 'ERR_JIT_PARTIAL');
    expect(partial.ended.grants.map(({ id }) => id)).toEqual([sound?.id]);
    expect(partial.failures).toMatchObject([{ kind: 'request', id: damaged?.requestId }]);
  });

  it('L30 names a request that is missing', async () => {
    const { engine, store } = anApproving();
    const [grant] = await granted(engine, { ticket: TICKET });
    const [row] = await store.get([{ kind: 'request', id: grant?.requestId as string }]);
    if (row === undefined) throw new Error('no row');
    const { kind, id, version } = row;
    await store.commit({ id: 'loss', expect: [{ kind, id, version }], put: [], remove: [{ kind, id }], append: [] });
    const { failures } = await refusal(engine.revokeAll({ ticket: TICKET }, CISO), 'ERR_JIT_PARTIAL');
    expect(failures).toMatchObject([{ kind: 'request', id, error: { code: 'ERR_JIT_NOT_FOUND' } }]);
  });

  it('ends on rows that name each other as the access that they extend', async () => {
    const { engine, store } = anApproving();
    const [first] = await granted(engine);
    const second = await extend(engine, first?.id as string);
    const [row] = await store.get([{ kind: 'request', id: second.slice(0, -2) }]);
    if (row === undefined) throw new Error('no row');
    const extension = { ...(row.body['extension'] as object), grantIds: [second] };
    await store.commit({
      id: 'damage',
      expect: [{ kind: row.kind, id: row.id, version: row.version }],
      put: [{ ...row, version: row.version + 1, body: { ...row.body, extension } }],
      append: [],
    });
    expect(await engine.revokeAll({ ticket: TICKET }, CISO)).toMatchObject({ matched: false });
  });

  it('L42 asks the store about the requests of a page together', async () => {
    const { engine, store } = anApproving({ maxGrants: 500, maxOpenRequests: 500 });
    for (let i = 0; i < 60; i++) await granted(engine, { scope: `s:${i}`, ticket: i === 7 ? TICKET : 'INC-2' });
    const before = store.calls.length;
    await engine.revokeAll({ ticket: TICKET }, CISO);
    expect(store.calls.length - before).toBeLessThan(60);
  });
});
