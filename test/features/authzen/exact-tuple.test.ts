import { describe, expect, it, vi } from 'vitest';
import type { JitEngineOptions } from '../../../src/index.js';
import { MINUTE, SAM } from '../../engine/an-engine.js';
import { aProfile, EVALUATION, SCOPE, SUBJECT } from './authzen-of.js';
import { evaluate, requestIdOf, submissionOf, submitted, typeOf } from './profile-of.js';

const table = (name: string) => ({ resource: { ...EVALUATION.resource, properties: { table: name } } });
const OUT_OF_SCOPE = { decision: false, context: { reason: 'out_of_scope' } };

/** The service has asked for the table `public`, as maya. */
async function asked(engine: Partial<JitEngineOptions> = {}) {
  const made = aProfile({}, engine, { exactTuple: true, requester: 'subject' });
  const { task } = await submitted(made, {}, table('public'));
  return { ...made, id: requestIdOf(task) };
}

async function approved(engine: Partial<JitEngineOptions> = {}) {
  const made = await asked(engine);
  await made.engine.approve(made.id, { by: SAM });
  return made;
}

/** Metadata as a task for the table `salaries` would have it. Each caller of the engine can write it. */
async function forged(made: ReturnType<typeof aProfile>) {
  const other = aProfile({}, {}, { exactTuple: true, requester: 'subject' });
  const { task } = await submitted(other, {}, table('salaries'));
  expect(made.engine).not.toBe(other.engine);
  return (await other.engine.getRequest(requestIdOf(task)))?.request.metadata ?? {};
}

const decisions = async (made: Parameters<typeof evaluate>[0]) => [
  (await evaluate(made, table('public'))).decision,
  (await evaluate(made, table('salaries'))).decision,
];

describe('A9 exactTuple', () => {
  it.each([
    ['without metadata', undefined],
    ['with metadata of its own', { note: 'x' }],
    ['with the task data of another tuple', 'forged'],
  ])('A9 an extension %s stays bound to the tuple of the task', async (_, metadata) => {
    const made = await approved();
    const given = metadata === 'forged' ? await forged(made) : (metadata as { note: string } | undefined);
    const { request } = await made.engine.extend({ requestId: made.id }, { requestedBy: SUBJECT, ttl: '30m', metadata: given });
    await made.engine.approve(request.id, { by: SAM });
    await made.clock.advance('61m');
    expect(await decisions(made)).toEqual([true, false]);
    expect(await evaluate(made, table('salaries'))).toMatchObject(OUT_OF_SCOPE);
  });

  it.each([
    ['with metadata of its own', { metadata: { note: 'x' } }],
    ['with the task data of another tuple', 'forged'],
    ['with another length', { ttl: '30m' }],
  ] as const)('A9 an amendment %s stays bound to the tuple of the task', async (_, given) => {
    const made = await asked();
    const amendment = given === 'forged' ? { metadata: await forged(made) } : given;
    const { request } = await made.engine.amend(made.id, { by: SUBJECT, ...amendment });
    await made.engine.approve(request.id, { by: SAM });
    expect(await decisions(made)).toEqual([true, false]);
    const context = { approval: { id: `${request.id}.1` } };
    expect(await evaluate(made, { ...table('salaries'), context })).toMatchObject(OUT_OF_SCOPE);
  });

  it('A9 an extension of a single grant, and of an amended request, stays bound too', async () => {
    const made = await asked();
    const amended = await made.engine.amend(made.id, { by: SUBJECT, metadata: { note: 'x' } });
    await made.engine.approve(amended.request.id, { by: SAM });
    const { request } = await made.engine.extend(`${amended.request.id}.1`, { requestedBy: SUBJECT, ttl: '30m', justification: 'longer' });
    await made.engine.approve(request.id, { by: SAM });
    await made.clock.advance('61m');
    expect(await decisions(made)).toEqual([true, false]);
  });

  it('A9 a submission for another tuple is a request of its own beside an approved request', async () => {
    const made = await approved();
    const { task } = await submitted(made, {}, table('salaries'));
    expect(requestIdOf(task)).not.toBe(made.id);
    expect(task.status).toBe('pending');
  });

  it('A9 a submission for another tuple is refused beside a pending request', async () => {
    const made = await asked();
    for (const headers of [{}, { 'idempotency-key': 'key-2' }]) {
      const { status, body } = await made.send('/requests', await submissionOf(made, {}, table('salaries')), { headers });
      expect([status, typeOf(body)]).toEqual([400, 'not_requestable']);
      expect((await made.engine.listRequests({})).items).toHaveLength(1);
    }
    const { task } = await submitted(
      made,
      { requested_access: { requested_until: new Date(made.clock.now() + 30 * MINUTE).toISOString() } },
      table('salaries'),
    );
    expect(requestIdOf(task)).not.toBe(made.id);
  });

  it('A9 access whose earlier request is gone is for no tuple', async () => {
    const made = await asked();
    const { request } = await made.engine.amend(made.id, { by: SUBJECT, ttl: '30m' });
    await made.engine.approve(request.id, { by: SAM });
    const get = made.store.get.bind(made.store);
    vi.spyOn(made.store, 'get').mockImplementation(async (keys) =>
      (await get(keys)).map((row, i) => ((keys[i] as { readonly id: string }).id === made.id ? undefined : row)),
    );
    expect(await decisions(made)).toEqual([false, false]);
  });

  it('A9 standing access stays, beside a grant for another tuple', async () => {
    const made = await approved({ standing: { [SUBJECT]: [] } });
    expect(await decisions(made)).toEqual([true, false]);
    const standing = aProfile({}, { store: made.store, clock: made.clock, standing: { [SUBJECT]: [SCOPE] } }, { exactTuple: true });
    expect(await evaluate(standing, table('salaries'))).toMatchObject({ decision: true, context: { reason: 'standing' } });
  });

  it('A9 a grant that ends between two reads gives no access to another tuple', async () => {
    const made = await approved();
    const status = made.engine.status.bind(made.engine);
    vi.spyOn(made.engine, 'status').mockImplementation(async (subject) => {
      await made.engine.revokeAll({ requestId: made.id }, { by: SAM });
      return status(subject);
    });
    expect(await evaluate(made, table('salaries'))).toMatchObject({ decision: false });
  });

  it('A9 valid_until is the end of the access for this tuple', async () => {
    const made = await approved();
    const other = await made.engine.requestAccess({ subject: SUBJECT, scope: SCOPE, ttl: '3h', metadata: await forged(made) });
    await made.engine.approve(other.request.id, { by: SAM });
    const until = async (name: string) => (await evaluate(made, table(name))) as unknown;
    expect(await until('public')).toEqual({ decision: true, context: { reason: 'granted', valid_until: '2026-01-01T01:00:00.000Z' } });
    expect(await until('salaries')).toEqual({ decision: true, context: { reason: 'granted', valid_until: '2026-01-01T03:00:00.000Z' } });
    expect(await evaluate(made, table('third'))).toMatchObject(OUT_OF_SCOPE);
  });
});
