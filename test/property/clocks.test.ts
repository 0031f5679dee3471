import { acceptClock } from 'jit-access/retention';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { autoApprove, isJitError, JitEngine, MemoryGrantStore, type Approver, type AuditEntry, type Grant } from '../../src/index.js';
import { decodeGrant, decodeUsage } from '../../src/records/index.js';
import { START_AT } from '../../src/testing.js';
import { entriesOf, MAYA, SAM, SCOPE } from '../engine/an-engine.js';

const LEEWAY = 3;

/** A process: an engine with its own clock, which moves arbitrarily, and the readings that the laws say it knows. */
class Process {
  now = START_AT;
  highWater = 0;
  readonly engine: JitEngine;

  constructor(store: MemoryGrantStore, approver: Approver = autoApprove(() => true)) {
    this.engine = new JitEngine({
      approver,
      store,
      onError: () => undefined,
      leewayMs: LEEWAY,
      limits: { minTtl: 1 },
      clock: { now: () => ((this.highWater = Math.max(this.highWater, this.now)), this.now) },
    });
  }

  /** The numbers of the entries that it has written. */
  readonly own = new Set<number>();
  #isConfirmed = false;
  #behind: { readonly newest: number; readonly begun: number; readonly seq: number } | undefined;

  /** L39: whether the journal, at an attempt to create access, shows that the clock of this process is behind. */
  isBehind(entries: readonly AuditEntry[]): boolean {
    if (this.#isConfirmed) return false;
    // Its own entries say nothing about its clock.
    const newest = entries.findLast((entry) => !this.own.has(entry.seq));
    if (this.#behind === undefined && newest !== undefined && this.now < newest.at - 1_000 - LEEWAY) {
      this.#behind = { newest: newest.at, begun: this.now, seq: entries.length };
    }
    if (this.#behind !== undefined) {
      const { newest: passed, begun, seq } = this.#behind;
      const isWitness = (entry: AuditEntry) =>
        entry.seq > seq && !this.own.has(entry.seq) && begun - 60_000 <= entry.at && entry.at <= this.now + 60_000;
      if (this.now < passed && !entries.some(isWitness)) return true;
    }
    this.#isConfirmed = true;
    return false;
  }
}

/** The idle time of a grant, in milliseconds, as the justification says. */
const IDLE = 10;
const approver: Approver = {
  name: 'both',
  decide: ({ justification }) => ({
    outcome: 'approve',
    terms: { idleTtlMs: justification === 'idle' ? IDLE : undefined, maxUses: justification === 'uses' ? 2 : undefined },
  }),
  isEligible: () => true,
};

const move = fc.constantFrom(0, 0, 0, 1, 1, 2, 3, 7, 10, 47, 50, 1_500, -1, -3, -10, -1_001, -5_000, -400_000, 400_000);

/** Every grant that starts later, extends another, or ends otherwise than with its window. */
const timed = fc.record({
  who: fc.nat(1),
  do: fc.constantFrom('ask', 'ask', 'extend', 'touch', 'touch', 'consume', 'consume', 'check', 'revoke', 'sweep'),
  ttl: fc.constantFrom(1, 4, 10, 50, 5_000),
  startsIn: fc.constantFrom(undefined, undefined, 1, 10, 47, -1),
  why: fc.constantFrom('plain', 'idle', 'uses', 'uses'),
  move: fc.oneof(move, fc.constantFrom(0, 0, 1_500, -1_001)),
  which: fc.nat(9),
});

const step = fc.record({
  who: fc.nat(1),
  do: fc.constantFrom('ask', 'ask', 'check', 'check', 'revoke', 'sweep', 'status'),
  ttl: fc.constantFrom(1, 3, 4, 10, 50),
  move,
  which: fc.nat(9),
});

describe('JitEngine', () => {
  describe('on clocks that move arbitrarily', () => {
    it('L1 L2 L4 L5 L6 L39 a grant allows exactly from its start by now to its end by the highest reading, less the leeway', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 40 }), async (steps) => {
          const store = new MemoryGrantStore();
          const processes = [new Process(store), new Process(store)] as const;
          const known = new Map<string, Grant>();
          for (const [i, { who, do: verb, ttl, move, which }] of steps.entries()) {
            const process = processes[who === 0 ? 0 : 1];
            process.now += move;
            const { engine } = process;
            const steppedBack = process.now < process.highWater - 1_000;
            const before = await entriesOf(store);
            const refused = steppedBack || (verb === 'ask' && process.isBehind(before));
            if (verb === 'ask') {
              try {
                // Also asks for a unique scope: the same ask again would reuse the existing grants.
                const result = await engine.requestAccess({ subject: MAYA, scopes: [SCOPE, `n:${i}`], ttl });
                expect(refused).toBe(false);
                for (const grant of 'grants' in result ? result.grants : []) {
                  expect(grant).toMatchObject({ startsAt: process.now, expiresAt: process.now + ttl });
                  if (grant.scope === SCOPE) known.set(grant.id, grant);
                }
              } catch (error) {
                // L5 L39: the engine creates no access while the clock is more than a second back, or behind the journal.
                expect(isJitError(error) && error.code).toBe('ERR_JIT_CLOCK');
                expect(refused).toBe(true);
              }
            }
            const one = [...known.values()][which % Math.max(1, known.size)];
            if (verb === 'revoke' && one !== undefined) {
              const ended = await engine.revoke(one.id, { by: SAM });
              // From the reading of the process that ends it, for any instant that another clock has written (L47).
              if (one.end === undefined && ended.end?.status === 'revoked')
                expect(ended.end.at).toBe(Math.max(process.highWater, ended.startsAt));
              known.set(one.id, ended);
            }
            if (verb === 'sweep') {
              await engine.sweep();
              for (const { id, requestId } of known.values()) {
                for (const grant of (await engine.getRequest(requestId))?.grants ?? []) if (grant.id === id) known.set(id, grant);
              }
            }
            for (const { seq } of (await entriesOf(store)).slice(before.length)) process.own.add(seq);
            const allowed = await engine.isAllowed(MAYA, SCOPE);
            const late = process.highWater + LEEWAY;
            const usable = [...known.values()].filter(
              (grant) => grant.end === undefined && grant.startsAt <= process.now && late < grant.expiresAt,
            );
            expect(allowed).toBe(usable.length > 0);
            const held = (await engine.status(MAYA)).held.filter((grant) => grant.scope === SCOPE);
            expect(held.map((grant) => grant.id).sort()).toEqual(usable.map((grant) => grant.id).sort());
            const ended = [...known.values()].filter((grant) => grant.end !== undefined);
            for (const { end, expiresAt } of ended) expect(end?.at).toBeLessThanOrEqual(expiresAt);
          }
        }),
        { numRuns: 200 },
      );
    });

    it('L1 L2 L5 L6 a grant that starts later, extends another, or ends when idle or used up allows exactly in its window', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(timed, { minLength: 4, maxLength: 40, size: 'max' }), async (steps) => {
          const store = new MemoryGrantStore();
          const processes = [new Process(store, approver), new Process(store, approver)] as const;
          const read = async () => {
            const rows = async (kind: string) => (await store.find({ kind, limit: 1_000 })).items;
            const usages = new Map((await rows('usage')).map(decodeUsage).map((usage) => [usage.id, usage]));
            return (await rows('grant')).map((row) => ({ grant: decodeGrant(row), usage: usages.get(row.id) }));
          };
          // On an empty journal, so that each clock agrees with it; the property above has clocks that do not.
          for (const { engine } of processes) await acceptClock(engine, { by: SAM });
          let before = await read();
          for (const [i, { who, do: verb, ttl, startsIn, why, move, which }] of steps.entries()) {
            const process = processes[who === 0 ? 0 : 1];
            process.now += move;
            const { engine } = process;
            const held = before.filter(({ grant }) => grant.scope === SCOPE);
            const one = held[which % Math.max(1, held.length)]?.grant;
            const steppedBack = process.now < process.highWater - 1_000;
            const startsAt = startsIn === undefined ? undefined : process.now + startsIn;
            const asked = { subject: MAYA, scopes: [SCOPE, `n:${i}`], ttl, startsAt, justification: why };
            try {
              if (verb === 'ask') await engine.requestAccess(asked);
              if (verb === 'extend' && one !== undefined) await engine.extend(one.id, { requestedBy: MAYA, ttl, justification: why });
              if (verb === 'touch') await engine.check(MAYA, SCOPE, { touch: 'wait' });
              if (verb === 'consume') await engine.consume(MAYA, SCOPE);
              if (verb === 'revoke' && one !== undefined) await engine.revoke(one.id, { by: SAM });
              if (verb === 'sweep') await engine.sweep();
            } catch (error) {
              if (!isJitError(error)) throw error;
              expect(['ask', 'extend', 'consume']).toContain(verb);
              if (!steppedBack) expect(error.code).toMatch(/^ERR_JIT_(DENIED|ENDED|LIMIT|DEADLINE)$/);
            }
            const allowed = await engine.isAllowed(MAYA, SCOPE);
            const now = await read();
            const late = process.highWater + LEEWAY;
            const endOf = ({ grant, usage }: (typeof now)[number]) =>
              Math.min(grant.expiresAt, grant.idleTtlMs === undefined ? Infinity : (usage?.usedAt ?? grant.startsAt) + grant.idleTtlMs);
            const usable = now.filter(
              (held) =>
                held.grant.scope === SCOPE &&
                held.grant.end === undefined &&
                held.grant.startsAt <= process.now &&
                late < endOf(held) &&
                (!held.grant.asksAtStart || (held.grant.activatedAt ?? Infinity) <= process.now) &&
                (held.grant.maxUses === undefined || (held.usage?.uses ?? 2) < held.grant.maxUses),
            );
            expect(allowed).toBe(usable.length > 0);
            for (const { grant, usage } of now) {
              const old = before.find((held) => held.grant.id === grant.id);
              // L5: the engine creates no access and takes no use while the clock is more than a second back.
              if (steppedBack) expect([old !== undefined, usage?.uses]).toEqual([true, old?.usage?.uses]);
              if (steppedBack && grant.asksAtStart) expect(grant.activatedAt).toBe(old?.grant.activatedAt);
              if (old?.grant.end !== undefined) expect(grant.end).toEqual(old.grant.end);
              expect(grant.end?.at ?? 0).toBeLessThanOrEqual(grant.expiresAt);
              if (grant.end?.cause === 'idle') expect(grant.end.at).toBeLessThanOrEqual(endOf({ grant, usage }));
              expect(usage?.uses ?? 0).toBeLessThanOrEqual(grant.maxUses ?? 0);
            }
            before = now;
          }
        }),
        { numRuns: 200 },
      );
    });
  });
});
