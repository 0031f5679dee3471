import {
  isJitError,
  JitEngine,
  MemoryGrantStore,
  reviewers,
} from 'jit-access';
import { explain } from 'jit-access/explain';
import { ManualClock } from 'jit-access/testing';

/** Two reviewers narrow one request: the shortest time and the common scopes apply. */
async function main() {
  const engine = new JitEngine({
    store: new MemoryGrantStore(),
    approver: reviewers({
      members: ['user:sam', 'user:ana'],
      approvals: 2,
    }),
    clock: new ManualClock(),
  });

  const { request } = await engine.requestAccess({
    subject: 'user:maya',
    scopes: ['db-prod:read', 'db-prod:write', 'db-prod:drop'],
    ttl: '8h',
  });

  await engine.approve(request.id, {
    by: 'user:sam',
    scopes: ['db-prod:read', 'db-prod:write'],
    comment: 'no drop',
  });
  await engine.comment(request.id, {
    by: 'user:maya',
    text: 'I can do without it.',
  });
  const [item] = (await engine.inbox('user:ana')).items;
  for (const { by, text } of item?.comments ?? [])
    console.log(`${by}: ${text}`);
  console.log(
    `before ana: ${item?.narrowedTo?.scopes.join(' ')} are left, ${item?.missingInWords}`,
  );

  try {
    await engine.approve(request.id, {
      by: 'user:ana',
      scopes: ['db-prod:drop'],
    });
  } catch (error) {
    if (!isJitError(error) || error.code !== 'ERR_JIT_REQUIREMENTS')
      throw error;
    for (const { field, code, limit } of error.problems)
      console.log(`refused: ${field} ${code}, left are ${limit}`);
  }

  const result = await engine.approve(request.id, {
    by: 'user:ana',
    ttl: '1h',
  });
  const { end } = result.request;
  if (end?.status === 'approved')
    console.log(
      `granted: ${end.granted.scopes.join(' ')}, for ${end.granted.ttlMs / 60_000} minutes`,
    );
  if (result.outcome === 'granted')
    for (const { id, scope } of result.grants)
      console.log(`grant ${id.slice(request.id.length)}: ${scope}`);

  const { allowed, reason } = await explain(
    engine,
    'user:maya',
    'db-prod:drop',
  );
  console.log(`db-prod:drop: ${allowed ? 'allowed' : 'denied'}, ${reason}`);
}

void main();
