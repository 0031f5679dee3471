import { isJitError, JitEngine, MemoryGrantStore } from 'jit-access';
import { definePolicy } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';

/** Two peers approve, or one of security. To drop a schema, a peer approves first, and then security. */
const policy = definePolicy({
  groups: {
    peers: ['user:ana', 'user:kim', 'user:zoe'],
    security: ['user:noor', 'user:lee'],
    leads: ['user:rob'],
  },
  rules: [
    {
      id: 'drop',
      scopes: ['db-prod:schema:drop'],
      maxTtl: '1h',
      review: {
        steps: [
          { groups: { peers: 1 } },
          {
            groups: { security: 1 },
            escalate: [{ to: 'leads', after: '30m' }],
          },
        ],
      },
    },
    {
      id: 'write',
      scopes: ['db-prod:**'],
      maxTtl: '1h',
      review: {
        anyOf: [
          { groups: { peers: 2 } },
          { groups: { security: { approvals: 1, denials: 1 } } },
        ],
        denials: 2,
      },
    },
  ],
});

// A clock that the example moves, so that it need not wait for half an hour.
const clock = new ManualClock();
const engine = new JitEngine({
  store: new MemoryGrantStore(),
  approver: policy,
  clock,
});
const zoe = { subject: 'user:zoe', ttl: '30m' } as const;

async function main() {
  const drop = (
    await engine.requestAccess({ ...zoe, scope: 'db-prod:schema:drop' })
  ).request;
  const missing = async (reviewer: string) =>
    (await engine.inbox(reviewer)).items[0]?.missingInWords ??
    'nothing to review';
  console.log(await missing('user:ana')); // 1 more of peers, then 1 more of security

  // Security may deny at any time, but may approve only in its own step.
  const early = await engine
    .approve(drop.id, { by: 'user:noor' })
    .catch((error: unknown) => error);
  if (isJitError(early) && early.code === 'ERR_JIT_NOT_REVIEWER')
    console.log(early.why); // not_your_step

  await engine.approve(drop.id, { by: 'user:ana' });
  console.log(await missing('user:noor')); // 1 more of security
  console.log(await missing('user:rob')); // nothing to review

  // The escalation of the second step runs from the begin of that step.
  await clock.advance('30m');
  console.log(await missing('user:rob')); // 1 more of security
  console.log((await engine.approve(drop.id, { by: 'user:noor' })).outcome); // granted

  const write = (
    await engine.requestAccess({ ...zoe, scope: 'db-prod:orders:write' })
  ).request;
  console.log(await missing('user:kim')); // 2 more of peers, or 1 more of security
  // One denial of a peer ends nothing: the rule wants two in total. One denial of security would.
  console.log((await engine.deny(write.id, { by: 'user:kim' })).outcome); // pending
  console.log((await engine.approve(write.id, { by: 'user:lee' })).outcome); // granted
}

void main();
