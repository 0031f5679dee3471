import { autoApprove, JitEngine } from 'jit-access';
import { openStore } from '../../../stores/durable/place.js';
import type { Durable } from '../../../stores/durable/servers.js';
import { Follower } from './follower.js';
import { asked } from './grants.js';

export const FOLLOWERS = 3;

const now = () => performance.timeOrigin + performance.now();

/** Milliseconds from the end of each revoke until the last of the followers denied. */
export async function revokesSeen(durable: Durable, revokes: number): Promise<readonly number[]> {
  const namespace = durable.namespace();
  const { store, close } = await openStore(durable.place, { namespace });
  const engine = new JitEngine({ approver: autoApprove(() => true), store });
  const followers = await Promise.all(Array.from({ length: FOLLOWERS }, () => Follower.start(durable, namespace)));
  const found: number[] = [];
  for (let i = 0; i < revokes; i++) {
    const { subject, scope } = asked(`user:${i}`);
    const allowed = followers.map((follower) => follower.answer({ subject, scope }));
    const result = await engine.requestAccess(asked(subject));
    if (result.outcome !== 'granted') throw new Error('nothing was granted');
    await Promise.all(allowed);
    const denied = followers.map((follower) => follower.answer());
    await engine.revokeAll({ requestId: result.request.id }, { by: 'user:root' });
    const revokedAt = now();
    found.push(Math.max(0, Math.max(...(await Promise.all(denied))) - revokedAt));
  }
  await Promise.all(followers.map((follower) => follower.end()));
  await engine.close();
  await close();
  return found;
}
