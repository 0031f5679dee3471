import { isJitError, JitEngine, MemoryGrantStore } from 'jit-access';
import { definePolicy } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';

/** One person at a time changes the schema. A request that waits for that reminds its reviewers. */
const clock = new ManualClock();
const engine = new JitEngine({
  store: new MemoryGrantStore(),
  clock,
  approver: definePolicy({
    groups: { dba: ['user:sam'] },
    rules: [
      {
        id: 'schema',
        scopes: ['db-prod:schema:*'],
        maxHolders: 1,
        maxTtl: '2h',
        review: { groups: { dba: 1 }, remindEvery: '30m' },
      },
    ],
  }),
});

async function main() {
  const scope = 'db-prod:schema:write';
  const first = await engine.requestAccess({
    subject: 'user:maya',
    scope,
    ttl: '2h',
  });
  await engine.approve(first.request.id, { by: 'user:sam' });
  const second = await engine.requestAccess({
    subject: 'user:lee',
    scope,
    ttl: '1h',
  });

  // Maya holds the schema, so the approval is refused. The request of Lee stays pending.
  const refused = await engine
    .approve(second.request.id, { by: 'user:sam' })
    .catch((error: unknown) => error);
  if (!isJitError(refused) || refused.code !== 'ERR_JIT_LIMIT')
    throw new Error('expected a refusal');
  console.log(`${refused.limit}: at most ${refused.max}`);

  await clock.advance('30m');
  console.log(`reminded: ${(await engine.sweep()).reminded}`);

  // Maya is done early, and Sam approves again.
  await engine.release(`${first.request.id}.1`, { by: 'user:maya' });
  console.log(
    (await engine.approve(second.request.id, { by: 'user:sam' })).outcome,
  );
}

void main();
