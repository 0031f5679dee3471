import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isJitError,
  JitEngine,
  MemoryGrantStore,
  reviewers,
} from 'jit-access';
import { ManualClock, RecordingSink } from 'jit-access/testing';

const ask = {
  subject: 'user:maya',
  scope: 'db-prod:write',
  ttl: '15m',
} as const;

/** An engine on a clock that stands still until the test moves it. */
function setUp() {
  const clock = new ManualClock();
  const sink = new RecordingSink();
  const engine = new JitEngine({
    store: new MemoryGrantStore(),
    clock,
    audit: sink,
    approver: reviewers({ members: ['user:sam'] }),
  });
  return { clock, engine, sink };
}

void test('access ends with its window, to the millisecond', async () => {
  const { clock, engine } = setUp();
  const { request } = await engine.requestAccess(ask);
  await engine.approve(request.id, { by: 'user:sam' });

  await clock.advance(15 * 60_000 - 1);
  assert.equal(await engine.isAllowed('user:maya', 'db-prod:write'), true);
  await clock.advance(1);
  assert.equal(await engine.isAllowed('user:maya', 'db-prod:write'), false);
});

void test('a decision after the review deadline is refused', async () => {
  const { clock, engine } = setUp();
  const { request } = await engine.requestAccess(ask);
  await clock.set(request.reviewBy);
  await assert.rejects(
    engine.approve(request.id, { by: 'user:sam' }),
    (error) =>
      isJitError(error) &&
      error.code === 'ERR_JIT_DEADLINE' &&
      error.requestId === request.id,
  );
});

void test('a sweep records the end, which came before it', async () => {
  const { clock, engine, sink } = setUp();
  const { request } = await engine.requestAccess(ask);
  await engine.approve(request.id, { by: 'user:sam' });

  await clock.advance('16m');
  assert.equal((await engine.sweep()).ended, 1);
  await engine.flushAudit();
  assert.equal(sink.types.at(-1), 'grant.expired');

  const { grants } = (await engine.getRequest(request.id))!;
  assert.equal(grants[0]?.end?.at, grants[0]?.expiresAt);
});
