import assert from 'node:assert/strict';
import {
  callbackSink,
  isJitError,
  JitEngine,
  MemoryGrantStore,
} from 'jit-access';
import { definePolicy } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';

const policy = definePolicy({
  groups: {
    'on-call': ['user:maya', 'user:noor'],
    platform: ['user:ana', 'user:sam'],
    security: ['user:lee'],
  },
  rules: [
    {
      id: 'prod',
      scopes: ['db-prod:*'],
      subjects: [{ group: 'on-call' }],
      review: { groups: { platform: 2 } },
    },
  ],
  breakGlass: [
    {
      id: 'emergency',
      scopes: ['db-prod:*'],
      subjects: [{ group: 'on-call' }],
      maxTtl: '30m',
      reviewers: ['security'],
      reviewWithin: '24h',
    },
  ],
});

async function main() {
  const clock = new ManualClock();
  const pager = callbackSink('pager', (entries) => {
    for (const { type, actor, data } of entries) {
      const { cause } = (data.end ?? {}) as { cause?: string };
      // An alert on every use. `data.afterReview` names the skipped groups and people.
      if (type === 'request.approved' && cause === 'break_glass')
        console.log(`page: break-glass by ${actor}`);
      if (type === 'breakGlass.overdue')
        console.log('page: the review of break-glass is overdue');
    }
  });
  const engine = new JitEngine({
    store: new MemoryGrantStore(),
    clock,
    approver: policy,
    audit: pager,
  });

  // 03:12: no member of the platform team answers. The engine gives access first and asks no reviewer.
  const emergency = {
    subject: 'user:maya',
    scope: 'db-prod:write',
    ttl: '30m',
    justification: 'orders are lost, no one on the platform team answers',
  } as const;
  const { request, grants } = await engine.breakGlass(emergency);
  await engine.assertAllowed('user:maya', 'db-prod:write');
  assert.equal(grants[0]?.breakGlass, true);
  await engine.flushAudit();
  console.log(
    `skipped: ${request.afterReview?.skippedGroups.join()} (${request.afterReview?.skippedPeople?.join()})`,
  );

  // While the review is pending, the engine refuses further break-glass for her and by her.
  await assert.rejects(
    engine.breakGlass({ ...emergency, scope: 'db-prod:admin' }),
    (error) =>
      isJitError(error) &&
      error.code === 'ERR_JIT_LIMIT' &&
      error.limit === 'maxUnreviewed',
  );

  // A day later no reviewer has reviewed the use. The access has long ended; the review is still pending.
  await clock.advance('24h');
  assert.equal((await engine.sweep()).missed, 1);
  await engine.flushAudit();
  const { items } = await engine.inbox('user:lee', { of: 'breakGlass' });
  assert.deepEqual(
    items.map((item) => [item.request.id, item.isOverdue]),
    [[request.id, true]],
  );

  // Neither the subject nor a person outside the review groups may review.
  const review = {
    verdict: 'justified',
    reason:
      'orders were being lost; the runbook now has a second phone number',
  } as const;
  for (const by of ['user:maya', 'user:ana'])
    await assert.rejects(
      engine.reviewBreakGlass(request.id, { by, ...review }),
      isJitError,
    );
  await engine.reviewBreakGlass(request.id, { by: 'user:lee', ...review });
  console.log(
    `pending reviews: ${(await engine.listRequests({ afterReview: 'pending' })).items.length}`,
  );

  // A reviewer finds the next use unjustified while the access is live: that ends it, in the same commit.
  const again = await engine.breakGlass({
    ...emergency,
    justification: 'I want to look something up',
  });
  await engine.flushAudit();
  await engine.reviewBreakGlass(again.request.id, {
    by: 'user:lee',
    verdict: 'unjustified',
    reason: 'no emergency',
  });
  assert.equal(await engine.isAllowed('user:maya', 'db-prod:write'), false);
  console.log('unjustified: ended');
}

void main();
