import type { AccessResult, Decision } from 'jit-access';
import { START_AT } from 'jit-access/testing';
import { openStore } from './place.js';
import { Seeded } from './seeded.js';
import type { Durable } from './servers.js';
import { entriesOf, wrongsOf } from './verdict.js';
import { Worker, type Call, type Called } from './workers.js';

const MINUTE = 60_000;
const APART = 5 * MINUTE;
const STEPS = 40;
const SUBJECTS = ['user:maya', 'user:sam'];
const SCOPE = 'db:write';

/**
 * Two processes whose clocks are five minutes apart run seeded random lives on one store. Each uses its own
 * clock: it allows only inside a window of that clock, an end by either process holds for both, and each transition is
 * recorded once.
 */
export async function clocksApart(
  durable: Durable,
  lives: number,
  seed: number,
): Promise<{ readonly count: number; readonly violations: readonly string[] }> {
  const violations: string[] = [];
  const workers = await Worker.startMany(2, { place: durable.place, namespace: durable.namespace(), at: START_AT });
  try {
    for (let life = 0; life < lives; life++) {
      const wrong = await oneLife(durable, workers, new Seeded(seed, life));
      violations.push(...wrong.map((one) => `life ${life} on ${durable.place.kind}: ${one}`));
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.kill()));
  }
  return { count: lives * STEPS, violations };
}

async function oneLife(durable: Durable, workers: readonly Worker[], chance: Seeded): Promise<readonly string[]> {
  const namespace = durable.namespace();
  await Promise.all(workers.map((worker) => worker.order({ do: 'move', namespace })));
  const { store, close } = await openStore(durable.place, { namespace });
  const wrong: string[] = [];
  const pending: string[] = [];
  const grants: string[] = [];
  let now = START_AT;
  const behind = new BehindJournal();
  for (let step = 0; step < STEPS; step++) {
    now += chance.pick([0, 0, 1, MINUTE, 4 * MINUTE, APART]);
    await Promise.all(workers.map((worker, w) => worker.order({ do: 'clock', at: now + w * APART })));
    // Mostly concurrent, so that each decides on what the other is about to change.
    const calls = workers.map((): Call => {
      const subject = chance.pick(SUBJECTS);
      const [request, grant] = [pending.at(-1), grants.at(-1)];
      const verb = chance.pick(['ask', 'ask', 'approve', 'approve', 'deny', 'revoke', 'sweep', 'sweep', 'check', 'extend']);
      if (verb === 'approve' && request !== undefined) return ['approve', request, { by: `user:r${chance.below(3)}` }];
      if (verb === 'deny' && request !== undefined) return ['deny', request, { by: 'user:r1' }];
      if (verb === 'revoke' && grant !== undefined) return ['revoke', grant, { by: 'user:root' }];
      if (verb === 'extend' && grant !== undefined) return ['extend', grant, { ttl: 2 * MINUTE, requestedBy: subject }];
      if (verb === 'sweep') return ['sweep'];
      if (verb === 'check') return ['check', subject, SCOPE];
      return [
        'requestAccess',
        {
          subject,
          scope: SCOPE,
          ttl: chance.pick([MINUTE, 6 * MINUTE, 15 * MINUTE]),
          justification: chance.pick(['now', 'review', 'idle']),
        },
      ];
    });
    const told = await Promise.all(workers.map((worker, w) => worker.call(calls[w] as Call)));
    for (const [w, { value, code }] of told.flatMap((answers, w) => answers.map((answer) => [w, answer] as const))) {
      // L39: the slower process creates nothing until its clock has passed the entries that the faster one wrote before its first creation.
      if (code === 'ERR_JIT_CLOCK' && behind.mayRefuse(w, now)) continue;
      if (code !== undefined && !ORDINARY.has(code)) wrong.push(`step ${step}: refused with ${code}`);
      const result = value as Partial<AccessResult> | undefined;
      if (result?.outcome === 'pending' && result.request !== undefined) pending.push(result.request.id);
      if (result?.outcome === 'granted') grants.push(...(result.grants ?? []).map(({ id }) => id));
    }
    wrong.push(...(await looks(store, workers, now)).map((one) => `step ${step}: ${one}`));
  }
  // Entries of background work have been committed by now.
  await Promise.all(workers.map((worker) => worker.call(['flushAudit'])));
  wrong.push(...(await wrongsOf(store)));
  await close();
  return wrong;
}

/** Until when the journal may be ahead of the slower process: its first creation may come up to one pause after the other's. */
class BehindJournal {
  #until: number | undefined;

  /** @param w which process: 0 is the slower one */
  mayRefuse(w: number, now: number): boolean {
    this.#until ??= now + APART;
    return w === 0 && now < this.#until;
  }
}

/** Refusals that a caller expects. A clock that goes back is not among them, as these clocks only advance. */
const ORDINARY = new Set(['ERR_JIT_DECIDED', 'ERR_JIT_DEADLINE', 'ERR_JIT_ENDED', 'ERR_JIT_LIMIT', 'ERR_JIT_REQUIREMENTS']);

/** L1 L2 L12: each process allows by its own clock, and only by a grant that has not ended. */
async function looks(store: Parameters<typeof entriesOf>[0], workers: readonly Worker[], now: number): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const [w, worker] of workers.entries()) {
    const checks = SUBJECTS.map((subject): Call => ['check', subject, SCOPE]);
    const decisions = (await worker.call(...checks)) as readonly (Called & { readonly value?: Decision })[];
    const reading = now + w * APART;
    const ended = new Set(
      (await entriesOf(store)).flatMap(({ type, grantId }) => (type === 'grant.expired' || type === 'grant.revoked' ? [grantId] : [])),
    );
    for (const { value } of decisions) {
      if (value === undefined) wrong.push('a check was refused');
      if (value?.allowed !== true) continue;
      const { grant } = value;
      if (grant === undefined || !(grant.startsAt <= reading && reading < grant.expiresAt))
        wrong.push(`${w} allows outside the window of ${grant?.id}`);
      if (grant !== undefined && ended.has(grant.id)) wrong.push(`${w} allows by ${grant.id}, which has been ended`);
    }
  }
  return wrong;
}
