import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, type AccessRequest, type Approver } from '../../src/index.js';
import { anEngine, ask, HOUR, MAYA, MINUTE, SAM } from './an-engine.js';

const ROOT = 'prod:root';
const LOGS = 'logs:read';
const REVIEW = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } } as const;

/** An approver whose `isEligible` lets the test act once while an ask is judged. */
function interrupted(decide: (request: AccessRequest) => ReturnType<Approver['decide']>) {
  const during: { run: (() => Promise<unknown>) | undefined } = { run: undefined };
  const approver: Approver = {
    name: 'policy',
    decidesAtOnce: () => true,
    decide,
    groupsOf: () => ['ops'],
    async isEligible(_request, when) {
      const { run } = during;
      if (when !== 'creation') return true;
      during.run = undefined;
      await run?.();
      return true;
    },
  };
  return { approver, during };
}

describe('an ask whose facts change while the approver judges its draft', () => {
  it('gets the verdict only for the scopes that the approver has judged (L16)', async () => {
    const { approver, during } = interrupted(({ extension, scopes }) =>
      extension !== undefined && scopes.includes(ROOT) ? REVIEW : { outcome: 'approve' },
    );
    const { engine } = anEngine({ approver });
    const bundle = await ask(engine, { scopes: [ROOT, LOGS], ttl: 15 * MINUTE });
    const root = bundle.outcome === 'granted' ? bundle.grants.find(({ scope }) => scope === ROOT) : undefined;
    const short = await engine.extend(root?.id as string, { requestedBy: MAYA, ttl: 5 * MINUTE });
    const reviewed = await engine.approve(short.request.id, { by: SAM });
    const later = reviewed.outcome === 'granted' ? reviewed.grants[0] : undefined;
    // The bundle has no live extension of its first scope any more, once its holder releases it.
    during.run = () => engine.release(later?.id as string, { by: MAYA });
    const all = await engine.extend({ requestId: bundle.request.id }, { requestedBy: MAYA, ttl: HOUR });
    expect([all.outcome, all.request.scopes]).toEqual(['granted', [LOGS]]);
  });

  it.each(['cancelled', 'released'] as const)('does not bind its key to a request that was %s in the meantime (L11)', async (how) => {
    const { approver, during } = interrupted(() => REVIEW);
    const { engine } = anEngine({ approver, store: new MemoryGrantStore() });
    const { request } = await ask(engine);
    if (how === 'released') await engine.approve(request.id, { by: SAM });
    during.run = () => (how === 'released' ? engine.release(`${request.id}.1`, { by: MAYA }) : engine.cancel(request.id, { by: MAYA }));
    const keyed = { idempotencyKey: 'k', ttl: 5 * MINUTE };
    const second = await ask(engine, keyed);
    expect([second.outcome, second.reused]).toEqual(['pending', false]);
    expect((await ask(engine, keyed)).request.id).toBe(second.request.id);
  });
});

it('returns a request that a lock has ended, if its key is repeated (L11)', async () => {
  const { approver } = interrupted(() => REVIEW);
  const { engine } = anEngine({ approver });
  const { request } = await ask(engine, { idempotencyKey: 'k' });
  await engine.lock({ subject: MAYA }, { by: SAM, reason: 'lost laptop' });
  const again = await ask(engine, { idempotencyKey: 'k' });
  expect([again.request.id, again.outcome, again.reused]).toEqual([request.id, 'cancelled', true]);
});
