import assert from 'node:assert/strict';
import {
  isJitError,
  JitEngine,
  MemoryGrantStore,
  reviewers,
} from 'jit-access';
import { ManualClock } from 'jit-access/testing';

const time = (instant: number) =>
  new Date(instant).toISOString().slice(11, 16);

async function main() {
  const clock = new ManualClock(); // midnight
  const engine = new JitEngine({
    store: new MemoryGrantStore(),
    clock,
    approver: reviewers({ members: ['user:sam'] }),
    warnBefore: ['10m', '5m'],
    limits: { maxTotal: '35m' },
  });
  const mayWrite = () => engine.isAllowed('user:maya', 'db-prod:write');

  /** Asks for a quarter of an hour on top of a grant, and has it approved: a new request, a new grant. */
  async function extend(grantId: string) {
    const asked = await engine.extend(grantId, {
      requestedBy: 'user:maya',
      ttl: '15m',
      justification: 'the index is still building',
    });
    assert.equal(asked.outcome, 'pending');
    const approved = await engine.approve(asked.request.id, {
      by: 'user:sam',
    });
    assert.ok(approved.outcome === 'granted' && approved.grants[0]);
    const { extends: old, startsAt, expiresAt } = approved.grants[0];
    assert.equal(old, grantId);
    console.log(`more time, from ${time(startsAt)} to ${time(expiresAt)}`);
    return approved.grants[0];
  }

  const asked = await engine.requestAccess({
    subject: 'user:maya',
    scope: 'db-prod:write',
    ttl: '15m',
  });
  const approved = await engine.approve(asked.request.id, {
    by: 'user:sam',
  });
  assert.ok(approved.outcome === 'granted' && approved.grants[0]);
  const first = approved.grants[0];
  console.log(`access until ${time(first.expiresAt)}`);

  // Ten and five minutes before the end an entry `grant.warned` is recorded, so that a sink can tell the subject.
  for (const instant of first.warnAt) {
    await clock.set(instant);
    assert.equal((await engine.sweep()).warned, 1);
  }
  const second = await extend(first.id);
  assert.equal(second.startsAt, first.expiresAt); // No gap, and the old grant ends when it always did.

  // 00:15 to 00:30, and the whole extension chain may last 35 minutes from the first start: this gives the rest.
  await clock.set(second.startsAt);
  assert.equal(await mayWrite(), true);
  const third = await extend(second.id);
  assert.equal(third.expiresAt, first.startsAt + 35 * 60_000);

  await clock.set(third.startsAt);
  await assert.rejects(
    engine.extend(third.id, { requestedBy: 'user:maya', ttl: '15m' }),
    (error) =>
      isJitError(error) &&
      error.code === 'ERR_JIT_LIMIT' &&
      error.limit === 'maxTotal',
  );
  console.log('no more: maxTotal');

  // What has ended isn't extended either: that is a fresh request.
  await clock.set(third.expiresAt);
  assert.equal(await mayWrite(), false);
  await assert.rejects(
    engine.extend(third.id, { requestedBy: 'user:maya', ttl: '15m' }),
    (error) => isJitError(error) && error.code === 'ERR_JIT_ENDED',
  );
  console.log('ended');
}

void main();
