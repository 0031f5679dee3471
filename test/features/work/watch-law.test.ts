import { watchAccess } from 'jit-access/work';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { autoApprove, isJitError, JitEngine, MemoryGrantStore, patternScopes, type GrantStore } from '../../../src/index.js';
import { coveredUntil, type GrantUse } from '../../../src/lifecycle/status.js';
import { decodeGrant } from '../../../src/records/index.js';
import { FaultyStore, ManualClock } from '../../../src/testing.js';
import { MAYA, SAM, SCOPE } from '../../engine/an-engine.js';
import { QuietStore, SECOND, settle } from './at-work.js';

const POLL = SECOND;
const LONGEST = 5 * SECOND;

/** The access between two commits, both included: a read at either instant may have seen it. */
interface Known {
  readonly held: readonly GrantUse[];
  readonly from: number;
  until: number;
}

type Act =
  | { readonly act: 'grant'; readonly scope: string; readonly ttl: number; readonly ahead: number }
  | { readonly act: 'extend' | 'revoke'; readonly which: number; readonly ttl: number }
  | { readonly act: 'nothing' | 'reject' | 'hang' | 'mend' };

/** A process that works, another process that grants and revokes on the same store, and the access at each instant. */
async function aWorld(isWatched: boolean, seed: number, leewayMs: number) {
  const clock = new ManualClock();
  const memory: GrantStore = new MemoryGrantStore();
  const shared = isWatched ? memory : new QuietStore(memory);
  const store = new FaultyStore(shared);
  store.inject('all', { fault: 'yield', seed });
  const options = { approver: autoApprove(() => true), clock, scopes: patternScopes, leewayMs, limits: { minTtl: '1s' as const } };
  const [worker, other] = [new JitEngine({ ...options, store }), new JitEngine({ ...options, store: shared })];

  const known: Known[] = [];
  const learn = async () => {
    const now = clock.now();
    const { items } = await memory.find({ kind: 'grant', subject: MAYA, limit: 1_000 });
    const last = known.at(-1);
    if (last !== undefined) last.until = now;
    known.push({ held: items.map((row) => ({ grant: decodeGrant(row), usage: undefined })), from: now, until: Infinity });
  };
  const lastly = (at: number, { held }: Known) =>
    coveredUntil(
      held.filter(({ grant }) => patternScopes.covers(grant.scope, SCOPE)),
      { now: at, highWater: at, forEnds: at + leewayMs },
    ) ?? 0;

  const act = async (doing: Act) => {
    try {
      if (doing.act === 'grant') {
        const { scope, ttl, ahead } = doing;
        await other.requestAccess({ subject: MAYA, scope, ttl, startsAt: ahead > 0 ? clock.now() + ahead : undefined });
      } else if (doing.act === 'extend' || doing.act === 'revoke') {
        const { held } = known.at(-1) as Known;
        const { grant } = held[doing.which % held.length] as GrantUse;
        if (doing.act === 'revoke') await other.revoke(grant.id, { by: SAM });
        else await other.extend(grant.id, { requestedBy: MAYA, ttl: doing.ttl });
      } else if (doing.act === 'mend') {
        store.clear();
        store.release();
      } else if (doing.act !== 'nothing') store.inject('live', { fault: doing.act });
    } catch (error) {
      // The act is refused, for example an extension of a grant that has ended.
      if (!isJitError(error)) throw error;
    }
    await learn();
  };
  await act({ act: 'grant', scope: SCOPE, ttl: 8 * SECOND, ahead: 0 });
  return { clock, worker, known, act, lastly };
}

const scope = fc.constantFrom(SCOPE, 'db-prod:*', '*:write', 'db-prod:read');
const change: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constant('grant' as const), scope, ttl: fc.integer({ min: 500, max: 6_000 }), ahead: fc.nat(3_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constant('extend' as const), which: fc.nat(20), ttl: fc.integer({ min: 500, max: 6_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('revoke' as const), which: fc.nat(20), ttl: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.constant({ act: 'nothing' as const }) },
);
const trouble: fc.Arbitrary<Act> = fc.constantFrom({ act: 'reject' }, { act: 'hang' }, { act: 'mend' });
const steps = (does: fc.Arbitrary<Act>) => fc.array(fc.tuple(fc.integer({ min: 1, max: 1_700 }), does), { minLength: 4, maxLength: 16 });

const leeway = fc.constantFrom(0, 0, 100);

describe('a watch', () => {
  for (const isWatched of [true, false]) {
    const where = isWatched ? 'a store that can be watched' : 'a store that cannot';

    it(`L1 L12 on ${where} aborts no later than allowed, and never while access was known to be covered`, async () => {
      await fc.assert(
        fc.asyncProperty(steps(change), fc.nat(), leeway, async (todo, seed, leewayMs) => {
          const { clock, worker, known, act, lastly } = await aWorld(isWatched, seed, leewayMs);
          const watch = await watchAccess(worker, MAYA, SCOPE);
          for (const [wait, does] of todo) {
            const before = clock.now();
            await clock.advance(wait);
            await settle();
            const now = clock.now();
            // What the watch may have read last: the current access, or the access within the last poll.
            const isLate = (since: number) => known.filter(({ until }) => until >= since);
            if (watch.signal.aborted) {
              const ends = isLate(before - POLL).map((one) => lastly(Math.min(one.until, before), one));
              expect(Math.min(...ends) - leewayMs).toBeLessThanOrEqual(now);
              return;
            }
            const ends = isLate(isWatched ? now + 1 : now - POLL).map((one) => lastly(Math.min(one.until, now), one));
            expect(Math.max(...ends) - leewayMs).toBeGreaterThan(now);
            await act(does);
            await settle();
          }
          watch.stop();
          expect(clock.sleepers).toBe(0);
        }),
        { numRuns: 40 },
      );
    });

    it(`L30 on ${where} relies on no read older than maxUnconfirmed, however its store fails`, async () => {
      await fc.assert(
        fc.asyncProperty(steps(fc.oneof(change, trouble)), fc.nat(), leeway, async (todo, seed, leewayMs) => {
          const { clock, worker, known, act, lastly } = await aWorld(isWatched, seed, leewayMs);
          const watch = await watchAccess(worker, MAYA, SCOPE);
          for (const [wait, does] of todo) {
            await clock.advance(wait);
            await settle();
            if (watch.signal.aborted) break;
            const now = clock.now();
            const ends = known.filter(({ until }) => until > now - LONGEST).map((one) => lastly(Math.min(one.until, now), one));
            expect(Math.max(...ends) - leewayMs).toBeGreaterThan(now);
            await act(does);
            await settle();
          }
          watch.stop();
          expect(clock.sleepers).toBe(0);
        }),
        { numRuns: 40 },
      );
    });
  }
});
