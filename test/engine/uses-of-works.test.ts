import { withAccess } from 'jit-access/work';
import { expect, it } from 'vitest';
import { MemoryGrantStore } from '../../src/index.js';
import type { Change } from '../../src/store.js';
import { FaultyStore, hangs, ScriptedApprover } from '../../src/testing.js';
import { aGranted, anEngine, ask, at, HOUR, MAYA, MINUTE, SCOPE } from './an-engine.js';

/** A store whose reply to a commit that takes a use can be held back: the use is stored, and its caller does not know yet. */
class SlowReplies extends MemoryGrantStore {
  reply: Promise<void> | undefined;

  override async commit(change: Change): ReturnType<MemoryGrantStore['commit']> {
    const outcome = await super.commit(change);
    if (change.append.some(({ type }) => type === 'grant.used')) await this.reply;
    return outcome;
  }
}

it('L36 a work that ends does not end the grant while the last use of another work is in flight [M15]', async () => {
  const memory = new SlowReplies();
  const approver = { name: 'twice', decide: () => ({ outcome: 'approve', terms: { maxUses: 2 } }) } as unknown as ScriptedApprover;
  const { engine, told } = anEngine({ store: new FaultyStore(memory), approver });
  const grant = await aGranted(engine);
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  let begun = (): void => undefined;
  const hasBegun = new Promise<void>((resolve) => (begun = resolve));
  const first = withAccess(engine, MAYA, SCOPE, async () => (begun(), ended), { consume: true });
  await hasBegun;
  let answer = (): void => undefined;
  memory.reply = new Promise<void>((resolve) => (answer = resolve));
  const second = withAccess(engine, MAYA, SCOPE, (signal) => signal.aborted, { consume: true });
  while (Number((await memory.get([{ kind: 'usage', id: grant.id }]))[0]?.body['uses']) < 2) await new Promise(setImmediate);
  end();
  await first;
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  answer();
  expect(await second).toBe(false);
  await engine.idle();
  const [row] = await memory.get([{ kind: 'grant', id: grant.id }]);
  expect(row?.open).toBe(false);
  expect(told).toEqual([]);
});

it('L38 a work that waits for its approver does not delay the end of a grant that another subject has used up [M15]', async () => {
  const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { maxUses: 1 } }, isEligible: true });
  const { engine, clock, store } = anEngine({ approver });
  const grant = await aGranted(engine);
  await ask(engine, { subject: 'user:eve', startsAt: at(MINUTE), ttl: HOUR });
  await clock.set(at(2 * MINUTE));
  approver.script.isEligible = hangs();
  const waiting = withAccess(engine, 'user:eve', SCOPE, () => undefined, { consume: true }).catch(() => undefined);
  await withAccess(engine, MAYA, SCOPE, () => undefined, { consume: true });
  for (let i = 0; i < 50; i++) await new Promise(setImmediate);
  const [row] = await store.get([{ kind: 'grant', id: grant.id }]);
  expect(row?.open).toBe(false);
  await clock.advance(MINUTE);
  await waiting;
});
