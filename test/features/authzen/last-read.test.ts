import { describe, expect, it } from 'vitest';
import { reviewers } from '../../../src/index.js';
import { SAM } from '../../engine/an-engine.js';
import { anAuthzen, aProfile, EVALUATION, grant, MAYA, SCOPE, SUBJECT, WRITE } from './authzen-of.js';

/** A hook that waits, from its first call on, until the test lets it answer. */
function aGate() {
  let open: () => void = () => undefined;
  let called: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const wasCalled = new Promise<void>((resolve) => (called = resolve));
  const wait = async () => {
    called();
    await opened;
    return true;
  };
  return { wait, open, wasCalled };
}

const db = (id: string) => ({ type: 'db', id });
const decisionsOf = (body: object) => (body as { readonly evaluations: readonly { readonly decision: boolean }[] }).evaluations;

/** maya holds write on `a` and `b`. A condition waits, and the access to `a` ends before it answers. */
async function revokedWhileAwaited(path: string, body: object) {
  const gate = aGate();
  const made = anAuthzen({ condition: gate.wait });
  const first = await grant(made.engine, SUBJECT, 'db:a:write');
  await grant(made.engine, SUBJECT, 'db:b:write');
  const answer = made.send(path, { subject: MAYA, action: WRITE, ...body });
  await gate.wasCalled;
  await made.engine.revokeAll({ requestId: first }, { by: SAM });
  gate.open();
  return (await answer).body;
}

describe('L1 L12 no yes after a revoke has resolved', () => {
  it('L12 an evaluation whose condition is awaited reads the access last', async () => {
    expect(await revokedWhileAwaited('/evaluation', { resource: db('a') })).toEqual({ decision: false, context: { reason: 'no_grant' } });
    expect(await revokedWhileAwaited('/evaluation', { resource: db('b') })).toMatchObject({ decision: true });
  });

  it('L12 so does each item of a batch', async () => {
    expect(await revokedWhileAwaited('/evaluations', { evaluations: [{ resource: db('a') }, { resource: db('b') }] })).toEqual({
      evaluations: [{ decision: false, context: { reason: 'no_grant' } }, { decision: true }],
    });
  });

  it('L12 a batch that ends with the first deny ends with the access that has ended', async () => {
    const options = { evaluations_semantic: 'deny_on_first_deny' };
    const evaluations = [{ resource: db('b') }, { resource: db('a') }, { resource: db('b') }];
    expect(decisionsOf(await revokedWhileAwaited('/evaluations', { options, evaluations }))).toEqual([
      { decision: true },
      { decision: false, context: { reason: 'no_grant' } },
    ]);
  });

  it('L12 a batch that ends with the first permit continues after the access that has ended', async () => {
    const options = { evaluations_semantic: 'permit_on_first_permit' };
    const evaluations = [{ resource: db('a') }, { resource: db('b') }, { resource: db('b') }];
    expect(decisionsOf(await revokedWhileAwaited('/evaluations', { options, evaluations })).map(({ decision }) => decision)).toEqual([
      false,
      true,
    ]);
  });

  it('L12 a search with a condition finds no access that has ended', async () => {
    const { results } = (await revokedWhileAwaited('/search/resource', { resource: { type: 'db' } })) as unknown as {
      readonly results: readonly object[];
    };
    expect(results).toEqual([db('b')]);
  });

  it('L12 a question about another item of the batch does not make a yes stale', async () => {
    const gate = aGate();
    let isSlow = false;
    const members = reviewers({ members: [SAM] });
    const approver = {
      ...members,
      decide: async (...given: Parameters<typeof members.decide>) => (isSlow && (await gate.wait()), members.decide(...given)),
    };
    const made = aProfile({}, { approver });
    const requestId = await grant(made.engine, SUBJECT, SCOPE);
    isSlow = true;
    const answer = made.send('/evaluations', { evaluations: [EVALUATION, { ...EVALUATION, action: { name: 'read' } }] });
    await gate.wasCalled;
    await made.engine.revokeAll({ requestId }, { by: SAM });
    gate.open();
    expect(decisionsOf((await answer).body).map(({ decision }) => decision)).toEqual([false, false]);
  });
});
