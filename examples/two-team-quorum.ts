import { JitEngine, MemoryGrantStore } from 'jit-access';
import { definePolicy } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';

/** Two members of dba and one of security must approve, and each counts once. After half an hour a lead may stand in. */
const policy = definePolicy({
  groups: {
    dba: ['user:ana', 'user:kim', 'user:zoe'],
    security: ['user:noor', 'user:ana'],
    leads: ['user:rob'],
  },
  rules: [
    {
      id: 'schema',
      scopes: ['db-prod:schema:write'],
      maxTtl: '1h',
      review: {
        groups: { dba: 2, security: 1 },
        denials: 1,
        approvalTtl: '45m',
        escalate: { to: 'leads', after: '30m' },
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

async function main() {
  const { request } = await engine.requestAccess({
    subject: 'user:zoe',
    scope: 'db-prod:schema:write',
    ttl: '30m',
  });

  // Zoe is in dba, but she is the requester, so she does not count. Ana is in both groups, and counts where she is needed.
  console.log(
    (await engine.approve(request.id, { by: 'user:ana' })).outcome,
  ); // pending
  console.log(
    (await engine.approve(request.id, { by: 'user:kim' })).outcome,
  ); // pending: one of security, or one more of dba, must approve
  console.log((await engine.inbox('user:rob')).items.length); // 0: leads may not review yet

  await clock.advance('30m');
  console.log(
    (await engine.inbox('user:rob')).items.map((item) => item.groups),
  ); // [ [ 'dba', 'security' ] ]
  const decided = await engine.approve(request.id, {
    by: 'user:rob',
    reason: 'noor is on leave',
  });
  console.log(decided.outcome); // granted
  console.log(await engine.isAllowed('user:zoe', 'db-prod:schema:write')); // true
}

void main();
