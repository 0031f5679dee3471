import { autoApprove, JitEngine, MemoryGrantStore } from 'jit-access';
import { liveGrants } from './world.js';

/** Bytes that are in use, after garbage has been collected: of the heap, and of what lies beside it. */
function inUse(): number {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error('run with node --expose-gc, as npm run bench does');
  gc();
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What is made, and the bytes that it holds. */
export async function weighed<T>(make: () => Promise<T>): Promise<{ readonly made: T; readonly bytes: number }> {
  const before = inUse();
  const made = await make();
  return { made, bytes: inUse() - before };
}

/** Bytes for each grant with all that its verbs have left: request, subject and journal. */
export async function bytesOfAll(grants: number): Promise<number> {
  const { made: engine, bytes } = await weighed(async () => {
    const asked = new JitEngine({ approver: autoApprove(() => true), store: new MemoryGrantStore() });
    for (const { subject, scope } of liveGrants(grants)) await asked.requestAccess({ subject, scope, ttl: '8h' });
    return asked;
  });
  for (const { subject, scope } of liveGrants(1)) {
    if (!(await engine.isAllowed(subject, scope))) throw new Error('nothing was granted');
  }
  await engine.close();
  return bytes / grants;
}
