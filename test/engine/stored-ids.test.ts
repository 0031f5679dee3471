import * as sources from 'jit-access';
import * as testing from 'jit-access/testing';
import { expect, it } from 'vitest';

type Library = Pick<typeof sources, 'JitEngine' | 'MemoryGrantStore' | 'runSubject'> &
  Pick<typeof testing, 'ManualClock' | 'ScriptedApprover'>;

const released = async (): Promise<Library> => {
  const load = async (entry: string): Promise<object> => (await import(`../fixtures/released/0.1.0/${entry}.js`)) as object;
  return { ...(await load('index')), ...(await load('testing')) } as Library;
};

/** The ids that a version derives, so that a repeat finds what the first call has written. */
async function idsOf({ JitEngine, ManualClock, MemoryGrantStore, runSubject, ScriptedApprover }: Library): Promise<object> {
  const store = new MemoryGrantStore({ namespace: 'payments' });
  const decide = { outcome: 'review', rule: 'prod', quorum: { groups: [{ name: 'on-call', approvals: 1 }] } } as const;
  const terms = { maxUses: 3, maxHolders: [{ rule: 'few', max: 9, scopes: ['db:1'] }] };
  const breakGlass = { outcome: 'approve', rule: 'fire', reviewWithinMs: 60_000, maxUnreviewed: 9, reviewers: ['lead'] } as const;
  const approver = new ScriptedApprover({ decide, groupsOf: ['on-call'], isEligible: true, breakGlass });
  const engine = new JitEngine({ clock: new ManualClock(), store, approver });
  const [ask, by, idempotencyKey] = [{ subject: 'user:maya', scope: 'db:1', ttl: '15m' } as const, 'user:maya', 'k'];
  const keyed = { by, idempotencyKey };

  const { request } = await engine.requestAccess({ ...ask, idempotencyKey });
  await engine.requestAccess({ ...ask, idempotencyKey: 'again' });
  await engine.comment(request.id, { ...keyed, text: 'urgent' });
  const amended = await engine.amend(request.id, { ...keyed, ttl: '20m' });
  approver.script.decide = { outcome: 'approve', rule: 'few', terms };
  await engine.requestAccess({ ...ask, ttl: '10m' });
  await engine.consume('user:maya', 'db:1', { idempotencyKey });
  const emergency = await engine.breakGlass({ ...ask, scope: 'db:2', justification: 'fire', idempotencyKey });
  const { lock } = await engine.lock({ scope: 'db:9' }, keyed);
  const idsOfRows = async (kind: string) => (await store.find({ kind, limit: 10 })).items.map(({ id }) => id);
  const ids = {
    ...{ request: request.id, amended: amended.request.id, emergency: emergency.request.id, lock: lock.id },
    ...{ run: runSubject({ agent: 'agent:7', operator: 'user:noor', job: '4' }, engine) },
    ...{ reuse: await idsOfRows('reuse'), use: await idsOfRows('use'), holders: await idsOfRows('holders') },
  };
  await engine.close();
  return ids;
}

it('L11 L18 the ids that follow from a key, a run or a rule are those of 0.1.0', async () => {
  const ids = await idsOf(await released());
  expect(Object.values(ids).flat()).toHaveLength(8);
  expect(await idsOf({ ...sources, ...testing })).toEqual(ids);
});
