import { Followers } from '../followers/followers.js';
import type { Kernel } from '../kernel/kernel.js';
import type { FlushReport } from './answers.js';

/** Delivers the recorded entries to every follower, after the work in the background has recorded its own. */
export async function flushAudit(kernel: Kernel): Promise<FlushReport> {
  await kernel.background.idle();
  const followers = await kernel.part(Followers).flush();
  await kernel.flushed();
  return { caughtUp: followers.every(({ behind, error }) => behind === 0 && error === undefined), followers };
}
