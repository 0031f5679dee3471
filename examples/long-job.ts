import { waitFor, withAccess } from 'jit-access/work';
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
  });
  const job = {
    subject: 'agent:backfill',
    scope: 'db-prod:write',
  } as const;
  let batches = 0;

  /** Asks, waits for the answer, and works for as long as that gives. */
  async function run() {
    const { request } = await engine.requestAccess({
      ...job,
      ttl: '15m',
      justification: 'backfill of the orders',
    });
    const answer = await waitFor(engine, request.id);
    assert.equal(answer.outcome, 'granted');
    await withAccess(
      engine,
      job.subject,
      job.scope,
      async (signal, watch) => {
        assert.ok(watch.until);
        console.log(`access until ${time(watch.until)}`);
        for (;;) {
          // A batch takes four minutes. A real one is given the signal, and its statement a timeout that ends by watch.until.
          await clock.advance('4m');
          signal.throwIfAborted();
          console.log(`${time(clock.now())}: batch ${++batches}`);
        }
      },
    );
  }

  const running = run().catch((error: unknown) => {
    // What the work throws is what withAccess rejects with: here the reason of its signal.
    assert.ok(isJitError(error) && error.code === 'ERR_JIT_DENIED');
    assert.ok(error.decision);
    console.log(`${time(error.decision.at)}: ${error.message}`);
  });

  // Two minutes pass until a reviewer looks at it.
  await clock.advance('2m');
  const [asked] = (await engine.inbox('user:sam')).items;
  assert.ok(asked);
  await engine.approve(asked.request.id, { by: 'user:sam' });

  // No one does anything at the end of the window.
  await running;
  assert.equal(batches, 3);
  assert.equal(clock.sleepers, 0);
}

void main();
