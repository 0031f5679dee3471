import { autoApprove, JitEngine } from 'jit-access';
import { liveStore } from './live-store.js';
import { cpuTime } from './cpu-time.js';
import { liveGrants, questions } from './world.js';

const ASKED = 4_096;
/** Grants whose first checks are for the compiler. */
const WARMING = 20_000;

/** Microseconds of a `check` that is the first of its grant, and so decodes its row. */
export async function firstCheckUs(grants: number): Promise<number> {
  const warm = new JitEngine({ approver: autoApprove(() => true), store: await liveStore(liveGrants(WARMING)) });
  for (const { subject, scope } of liveGrants(WARMING)) await warm.check(subject, scope);
  const engine = new JitEngine({ approver: autoApprove(() => true), store: await liveStore(liveGrants(grants)) });
  const { subjects, scopes } = questions('held', grants);
  const pairs = [...new Map(subjects.map((subject, i) => [`${subject} ${scopes[i]}`, [subject, scopes[i] as string] as const])).values()];
  const asked = pairs.slice(0, ASKED);
  const msSince = cpuTime();
  for (const [subject, scope] of asked) {
    if (!(await engine.check(subject, scope)).allowed) throw new Error(`${subject} was denied`);
  }
  return (msSince() * 1e3) / asked.length;
}
