import { JitEngine, reviewers, type GrantStore } from 'jit-access';
import { expect } from 'vitest';
import { CountedClock } from './counted-clock.js';
import { entriesOf } from './durable/verdict.js';
import { eventually } from './eventually.js';

/** How long the store is unavailable, by the engine's clock. */
const OUTAGE_MS = 5_000;

export interface Failover {
  /** A store that has the outage. */
  readonly store: GrantStore;
  /** The same namespace, without the outage. */
  readonly near: GrantStore;
  /** The next commit is applied and its reply is lost. From then on every call fails. */
  begin(): unknown;
  /** Ends the outage. */
  end(): unknown;
}

/**
 * L31: revokes while a store fails in the middle of the commit and is back five seconds later. The verb resolves, and
 * its effect is recorded once. The test waits for no real time: the clock counts the sleeps, and ends the outage.
 */
export async function expectFailover({ store, near, begin, end }: Failover): Promise<void> {
  const clock = new CountedClock();
  const approver = reviewers({ members: ['user:sam'] });
  const engine = new JitEngine({ store, clock, approver, onError: () => undefined });
  const apart = new JitEngine({ store: near, clock, approver, onError: () => undefined });
  const { request } = await apart.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
  await apart.approve(request.id, { by: 'user:sam' });
  expect(await eventually(() => engine.isAllowed('user:maya', 'a:b'))).toBe(true);
  await engine.idle();

  await begin();
  let isOver = false;
  let sleeps = 0;
  clock.onSlept = async (ms) => {
    sleeps += 1;
    if (isOver || ms < OUTAGE_MS) return;
    isOver = true;
    await end();
    // A client takes real time to reconnect, which the clock does not count.
    await eventually(async () => store.live({ subject: 'user:maya', scope: 'a:b', at: clock.now() }));
  };
  const grant = await engine.revoke(`${request.id}.1`, { by: 'user:sam' });

  expect(grant.end).toMatchObject({ status: 'revoked', by: 'user:sam' });
  expect([isOver, sleeps > 5]).toEqual([true, true]);
  expect((await entriesOf(near)).filter(({ type }) => type === 'grant.revoked')).toHaveLength(1);
  expect(await engine.isAllowed('user:maya', 'a:b')).toBe(false);
  await engine.close();
}
