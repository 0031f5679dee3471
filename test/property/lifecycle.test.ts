import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isJitError,
  JitEngine,
  MemoryGrantStore,
  requestStatus,
  grantStatus,
  verifyJournal,
  wasHeldAt,
  type AccessRequest,
  type Approver,
  type Grant,
  type JitErrorCode,
} from '../../src/index.js';
import { FaultyStore, ManualClock } from '../../src/testing.js';
import { ANA, entriesOf, LEE, MAYA, SAM } from '../engine/an-engine.js';
import { expectReplayed, fold } from './fold.js';

const SUBJECTS = [MAYA, SAM];
const SCOPES = ['a:x', 'a:y', 'b:x'];
const REVIEWERS = [SAM, ANA, LEE, MAYA, 'user:eve'];
const REVIEW_WITHIN = 60;

/** Decides by what the justification says; one that fails does so until it is healed. */
class Moody implements Approver {
  readonly name = 'moody';
  failing = false;
  readonly away = new Set<string>();

  decide(request: AccessRequest): ReturnType<Approver['decide']> {
    if (this.failing) throw new Error('LDAP is down');
    if (request.justification === 'approve') return { outcome: 'approve' };
    if (request.justification === 'deny') return { outcome: 'deny', reason: 'no' };
    if (request.justification === 'abstain') return { outcome: 'abstain' };
    const groups = [
      { name: 'ops', approvals: 1 },
      { name: 'sec', approvals: 1 },
    ];
    return { outcome: 'review', quorum: { groups, denials: 2, approvalTtlMs: 25, reviewWithinMs: REVIEW_WITHIN } };
  }

  groupsOf(reviewer: string): readonly string[] {
    if (this.away.has(reviewer)) return [];
    return { [SAM]: ['ops', 'sec'], [ANA]: ['sec'], [LEE]: ['ops'], [MAYA]: ['ops', 'sec'] }[reviewer] ?? [];
  }

  isEligible(request: AccessRequest, when: string): boolean {
    return !(when === 'approval' && request.justification === 'ineligible');
  }
}

type Step =
  | {
      readonly do: 'ask';
      readonly who: number;
      readonly by: number;
      readonly scopes: readonly string[];
      readonly ttl: number;
      readonly why: string;
      readonly key: number | undefined;
    }
  | { readonly do: 'approve' | 'deny'; readonly which: number; readonly who: number }
  | { readonly do: 'cancel' | 'decide' | 'revoke' | 'release'; readonly which: number; readonly who: number }
  | { readonly do: 'revokeAll'; readonly target: number }
  | { readonly do: 'sweep' | 'mood' }
  | { readonly do: 'leave'; readonly who: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'waitFor'; readonly which: number; readonly offset: number };

const nat = fc.nat(15);
const stepArb: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      who: nat,
      by: nat,
      scopes: fc.uniqueArray(fc.constantFrom(...SCOPES), { minLength: 1, maxLength: 3 }),
      ttl: fc.constantFrom(1, 2, 30, 100),
      why: fc.constantFrom('approve', 'review', 'review', 'deny', 'abstain', 'ineligible'),
      key: fc.option(fc.nat(2), { nil: undefined }),
    }),
  },
  { weight: 7, arbitrary: fc.record({ do: fc.constant('approve' as const), which: nat, who: nat }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deny' as const), which: nat, who: nat }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('cancel' as const, 'decide' as const, 'revoke' as const, 'release' as const),
      which: nat,
      who: nat,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revokeAll' as const), target: nat }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('sweep' as const, 'sweep' as const, 'mood' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), who: nat }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 2, 24, 25, 26, 59, 60, 61) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('waitFor' as const), which: nat, offset: fc.constantFrom(-1, 0, 1) }) },
);

/** What a caller may be told in these sequences. Anything else is a bug. */
const REFUSALS: ReadonlySet<JitErrorCode> = new Set<JitErrorCode>([
  'ERR_JIT_DECIDED',
  'ERR_JIT_DEADLINE',
  'ERR_JIT_UNDECIDED',
  'ERR_JIT_SELF_REVIEW',
  'ERR_JIT_NOT_REVIEWER',
  'ERR_JIT_IDEMPOTENCY',
  'ERR_JIT_APPROVER',
  'ERR_JIT_DENIED',
]);

const pick = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;

/** Two engines over one store, and everything that the laws speak of, looked at after each step. */
class World {
  readonly clock = new ManualClock();
  readonly approver = new Moody();
  readonly store: FaultyStore;
  readonly engines: readonly JitEngine[];
  readonly told: unknown[] = [];
  /** The last answer given at each instant. */
  readonly seen = new Map<number, ReadonlyMap<string, boolean>>();
  requests: readonly AccessRequest[] = [];
  grants: readonly Grant[] = [];
  #turn = 0;

  constructor(yields: boolean) {
    this.store = new FaultyStore(new MemoryGrantStore());
    if (yields) this.store.inject('all', { fault: 'yield', seed: 7 });
    const { clock, store, approver } = this;
    const limits = { reviewWithin: REVIEW_WITHIN, maxTtl: 1_000, retryMs: 5 };
    this.engines = [1, 2].map(() => new JitEngine({ approver, clock, store, limits, onError: (error) => this.told.push(error) }));
  }

  async do(step: Step): Promise<void> {
    const engine = pick(this.engines, this.#turn++);
    const request = (which: number) => pick(this.requests, which).id;
    const grant = (which: number) => pick(this.grants, which);
    const needsRequest = ['approve', 'deny', 'cancel', 'decide'].includes(step.do);
    if (needsRequest && this.requests.length === 0) return;
    if ((step.do === 'revoke' || step.do === 'release') && this.grants.length === 0) return;
    switch (step.do) {
      case 'ask':
        await engine.requestAccess({
          subject: pick(SUBJECTS, step.who),
          requestedBy: pick([pick(SUBJECTS, step.who), 'agent:7'], step.by),
          scopes: step.scopes,
          ttl: step.ttl,
          justification: step.why,
          metadata: { why: step.why },
          idempotencyKey: step.key === undefined ? undefined : `key-${step.key}`,
        });
        return;
      case 'approve':
      case 'deny':
        await engine[step.do](request(step.which), { by: pick(REVIEWERS, step.who) });
        return;
      case 'cancel':
        await engine.cancel(request(step.which), { by: pick([...SUBJECTS, 'agent:7'], step.who) });
        return;
      case 'decide':
        await engine.decide(request(step.which));
        return;
      case 'revoke':
        await engine.revoke(grant(step.which).id, { by: 'user:ciso', reason: 'incident' });
        return;
      case 'release':
        await engine.release(grant(step.which).id, { by: step.who % 4 === 0 ? 'user:eve' : grant(step.which).subject });
        return;
      case 'revokeAll':
        await engine.revokeAll(pick([{ subject: MAYA }, { scope: 'a:x' }, { subject: SAM }, { scope: 'b:x' }], step.target), {
          by: 'user:ciso',
        });
        return;
      case 'sweep':
        await engine.sweep();
        return;
      case 'mood':
        this.approver.failing = !this.approver.failing;
        return;
      case 'leave': {
        const who = pick(REVIEWERS, step.who);
        if (!this.approver.away.delete(who)) this.approver.away.add(who);
        return;
      }
      case 'wait':
        await this.clock.advance(step.ms);
        return;
      case 'waitFor': {
        const bounds = [...this.grants.map((one) => one.expiresAt), ...this.requests.map((one) => one.reviewBy)];
        if (bounds.length === 0) return;
        const to = pick(bounds, step.which) + step.offset;
        if (to > this.clock.now()) await this.clock.set(to);
      }
    }
  }

  /** Does a step and accepts an ordinary no. */
  async try(step: Step): Promise<void> {
    try {
      await this.do(step);
    } catch (error) {
      if (!isJitError(error) || !REFUSALS.has(error.code)) throw error;
    }
  }

  async look(): Promise<void> {
    const now = this.clock.now();
    const before = { requests: this.requests, grants: this.grants };
    this.requests = await all((after) => this.engines[0]?.requests({ after }));
    this.grants = (await Promise.all(this.requests.map(async ({ id }) => (await this.engines[1]?.request(id))?.grants ?? []))).flat();
    this.#legalEdges(before);
    this.#wholeBundles();
    await this.#onRecord();
    await this.#allowedByGrantsAlone(now);
  }

  /** L8 and L18: what is terminal stays, and what was asked or granted never changes. */
  #legalEdges(before: { readonly requests: readonly AccessRequest[]; readonly grants: readonly Grant[] }): void {
    for (const old of [...before.requests, ...before.grants]) {
      const now = [...this.requests, ...this.grants].find((one) => one.id === old.id);
      expect(now).toBeDefined();
      if (now === undefined) continue;
      if (old.end !== undefined) expect(now).toEqual(old);
      if (old.kind === 'request' && now.kind === 'request') {
        expect([now.subject, now.requestedBy, now.scopes, now.ttlMs, now.createdAt]).toEqual([
          old.subject,
          old.requestedBy,
          old.scopes,
          old.ttlMs,
          old.createdAt,
        ]);
        if (old.quorum !== undefined) expect([now.quorum, now.reviewBy, now.approver]).toEqual([old.quorum, old.reviewBy, old.approver]);
      }
      if (old.kind === 'grant' && now.kind === 'grant') expect({ ...now, version: 0, end: 0 }).toEqual({ ...old, version: 0, end: 0 });
    }
  }

  /** L10, L3, L4. */
  #wholeBundles(): void {
    for (const request of this.requests) {
      const grants = this.grants.filter((grant) => grant.requestId === request.id);
      expect(grants.map((grant) => grant.scope)).toEqual(request.end?.status === 'approved' ? request.scopes : []);
      for (const grant of grants) {
        expect(grant.subject).toBe(request.subject);
        expect(grant.startsAt).toBe(request.end?.at);
        expect(grant.expiresAt).toBe(grant.startsAt + request.ttlMs);
        expect(request.end?.at).toBeLessThan(request.reviewBy);
      }
      const counted = request.reviews.map((review) => review.reviewer);
      expect(new Set(counted).size).toBe(counted.length);
      expect(counted).not.toContain(request.subject);
      expect(counted).not.toContain(request.requestedBy);
    }
  }

  /** L25, L26, L27: the journal verifies, and says by itself what the store holds. */
  async #onRecord(): Promise<void> {
    await expectReplayed(this.store);
  }

  /** L1, L2, L20: allowed is exactly what the journal's own replay says. */
  async #allowedByGrantsAlone(now: number): Promise<void> {
    const answers = new Map<string, boolean>();
    for (const subject of [...SUBJECTS, 'user:eve']) {
      for (const scope of SCOPES) {
        const holding = this.grants.filter((one) => one.subject === subject && one.scope === scope);
        const expected = holding.some((one) => one.end === undefined && one.startsAt <= now && now < one.expiresAt);
        for (const engine of this.engines) expect(await engine.isAllowed(subject, scope)).toBe(expected);
        answers.set(`${subject} ${scope}`, expected);
      }
    }
    this.seen.set(now, answers);
  }

  /** L27: who had access then is who was allowed then, by the engine and by the replay. */
  async lookBack(): Promise<void> {
    expect(
      await verifyJournal(await entriesOf(this.store), {
        head: await this.store.journal({ after: 0, limit: 1 }).then((slice) => slice.head),
      }),
    ).toMatchObject({ ok: true });
    const folded = [...fold(await entriesOf(this.store)).grant.values()] as unknown as Grant[];
    for (const [t, answers] of this.seen) {
      for (const scope of SCOPES) {
        const held = await all((after) => this.engines[0]?.whoHadAccess({ scope, at: t, after, limit: 2 }));
        expect(held.map((grant) => grant.id).sort()).toEqual(
          folded
            .filter((one) => one.scope === scope && wasHeldAt(one, t))
            .map((one) => one.id)
            .sort(),
        );
        for (const subject of SUBJECTS) expect(held.some((one) => one.subject === subject)).toBe(answers.get(`${subject} ${scope}`));
      }
    }
    const now = this.clock.now();
    for (const grant of this.grants) expect(['active', 'expired', 'revoked']).toContain(grantStatus(grant, now));
    for (const request of this.requests)
      expect(requestStatus(request, now)).toBe(request.end?.status ?? (now < request.reviewBy ? 'pending' : 'expired'));
  }
}

async function all<T>(
  read: (after: string | undefined) => Promise<{ items: readonly T[]; next: string | undefined }> | undefined,
): Promise<readonly T[]> {
  const items: T[] = [];
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    const page = await read(after);
    items.push(...(page?.items ?? []));
    after = page?.next;
  }
  return items;
}

describe('JitEngine', () => {
  describe('in any sequence of verbs', () => {
    it('L1 L8 L10 L20 L25 L26 L27 hold after each step, one at a time', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(stepArb, { minLength: 5, maxLength: 30 }), async (steps) => {
          const world = new World(false);
          for (const step of steps) {
            await world.try(step);
            await world.look();
          }
          await world.lookBack();
        }),
        { numRuns: 150 },
      );
    });

    it('L1 L8 L9 L10 L20 L25 L26 L27 hold after each burst of verbs at once, over a store that yields at every await', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(stepArb, { minLength: 1, maxLength: 6 }), { minLength: 3, maxLength: 8 }), async (bursts) => {
          const world = new World(true);
          for (const burst of bursts) {
            const isMove = (step: Step) => step.do === 'wait' || step.do === 'waitFor';
            const moves = burst.filter(isMove);
            await Promise.all(burst.filter((step) => !isMove(step)).map((step) => world.try(step)));
            await world.look();
            for (const move of moves) await world.try(move);
            await world.look();
          }
          await world.lookBack();
        }),
        { numRuns: 40 },
      );
    });
  });
});
