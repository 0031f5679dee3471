import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { autoApprove, isJitError, JitEngine, MemoryGrantStore, type Grant } from '../../src/index.js';
import { START_AT } from '../../src/testing.js';
import { MAYA, SAM, SCOPE } from '../engine/an-engine.js';

const LEEWAY = 3;

/** A process: an engine with a clock of its own, which goes where it likes, and what the law says that it knows. */
class Process {
  now = START_AT;
  highest = 0;
  readonly engine: JitEngine;

  constructor(store: MemoryGrantStore) {
    this.engine = new JitEngine({
      approver: autoApprove(() => true),
      store,
      leewayMs: LEEWAY,
      clock: { now: () => ((this.highest = Math.max(this.highest, this.now)), this.now) },
    });
  }
}

const step = fc.record({
  who: fc.nat(1),
  do: fc.constantFrom('ask', 'ask', 'check', 'check', 'revoke', 'sweep', 'status'),
  ttl: fc.constantFrom(1, 3, 4, 10, 50),
  move: fc.constantFrom(0, 0, 0, 1, 1, 2, 3, 7, 10, 47, 50, 1_500, -1, -3, -10, -1_001, -5_000),
  which: fc.nat(9),
});

describe('JitEngine', () => {
  describe('on clocks that go where they like', () => {
    it('L1 L2 L4 L5 L6 a grant allows exactly from its start by now to its end by the highest reading, less the leeway', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 40 }), async (steps) => {
          const store = new MemoryGrantStore();
          const processes = [new Process(store), new Process(store)] as const;
          const known = new Map<string, Grant>();
          for (const [i, { who, do: verb, ttl, move, which }] of steps.entries()) {
            const process = processes[who === 0 ? 0 : 1];
            process.now += move;
            const { engine } = process;
            const steppedBack = process.now < process.highest - 1_000;
            if (verb === 'ask') {
              try {
                // With a scope of its own besides, for the same ask again would give what there is.
                const result = await engine.requestAccess({ subject: MAYA, scopes: [SCOPE, `n:${i}`], ttl });
                expect(steppedBack).toBe(false);
                for (const grant of result.outcome === 'granted' ? result.grants : []) {
                  expect(grant).toMatchObject({ startsAt: process.now, expiresAt: process.now + ttl });
                  if (grant.scope === SCOPE) known.set(grant.id, grant);
                }
              } catch (error) {
                // L5: nothing creates access while the clock lies more than a second back.
                expect(isJitError(error) && error.code).toBe('ERR_JIT_CLOCK');
                expect(steppedBack).toBe(true);
              }
            }
            const one = [...known.values()][which % Math.max(1, known.size)];
            if (verb === 'revoke' && one !== undefined) known.set(one.id, await engine.revoke(one.id, { by: SAM }));
            if (verb === 'sweep') {
              await engine.sweep();
              for (const { id, requestId } of known.values()) {
                for (const grant of (await engine.request(requestId))?.grants ?? []) if (grant.id === id) known.set(id, grant);
              }
            }
            const allowed = await engine.isAllowed(MAYA, SCOPE);
            const late = process.highest + LEEWAY;
            const usable = [...known.values()].filter(
              (grant) => grant.end === undefined && grant.startsAt <= process.now && late < grant.expiresAt,
            );
            expect(allowed).toBe(usable.length > 0);
            const held = (await engine.status(MAYA)).held.filter((grant) => grant.scope === SCOPE);
            expect(held.map((grant) => grant.id).sort()).toEqual(usable.map((grant) => grant.id).sort());
            const ended = [...known.values()].filter((grant) => grant.end !== undefined);
            for (const { end, expiresAt, startsAt } of ended) {
              expect(end?.at).toBeLessThanOrEqual(expiresAt);
              expect(end?.at).toBeGreaterThanOrEqual(startsAt);
            }
          }
        }),
        { numRuns: 200 },
      );
    });
  });
});
