import { expect } from 'vitest';
import {
  isJitError,
  JitEngine,
  MemoryGrantStore,
  wasHeldAt,
  type AccessRequest,
  type EntryType,
  type Grant,
  type JitErrorCode,
} from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { verifyJournal } from '../../src/journal.js';
import { decodeGrant, decodeRequest, decodeUsage, type Usage } from '../../src/records/index.js';
import { FaultyStore, ManualClock } from '../../src/testing.js';
import { entriesOf, MAYA, SAM } from '../engine/an-engine.js';
import { expectReplayed, fold } from './fold.js';
import { expectAlive, expectLegal, expectLimits, expectLines, expectQuorums, expectWhole, usableAt, type Seen } from './laws.js';
import { APPROVAL_TTL, ESCALATE_AFTER, IDLE_TTL, Moody, REVIEW_WITHIN } from './moody.js';
import { AGENT, REVIEWERS, SCOPES, SUBJECTS, type Step } from './steps.js';
import { linksOf } from '../features/links/links-of.js';
import { decideAgain } from '../engine/decide-again.js';

const LIMITS = {
  reviewWithin: REVIEW_WITHIN,
  minTtl: 1,
  maxTtl: 1_000,
  maxTotal: 150,
  maxStartAhead: 100,
  retryAfter: 5,
  maxOpenRequests: 2,
  maxGrants: 3,
};

/** The codes that a caller may get in these sequences. Any other code is a bug. */
const REFUSALS: ReadonlySet<JitErrorCode> = new Set<JitErrorCode>([
  'ERR_JIT_DECIDED',
  'ERR_JIT_DEADLINE',
  'ERR_JIT_UNDECIDED',
  'ERR_JIT_SELF_REVIEW',
  'ERR_JIT_NOT_REVIEWER',
  'ERR_JIT_INELIGIBLE',
  'ERR_JIT_REQUIREMENTS',
  'ERR_JIT_IDEMPOTENCY',
  'ERR_JIT_LIMIT',
  'ERR_JIT_ENDED',
  'ERR_JIT_LINK',
  'ERR_JIT_APPROVER',
  'ERR_JIT_DENIED',
]);

const pick = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)];
const CISO = { by: 'user:ciso', reason: 'incident' };

/** Two engines over one store, and all records that the laws concern, checked after each step. */
export class World {
  readonly clock = new ManualClock();
  readonly approver = new Moody();
  readonly store: FaultyStore;
  readonly engines: readonly JitEngine[];
  readonly told: unknown[] = [];
  /** The last answer given at each instant. */
  readonly #answered = new Map<number, ReadonlyMap<string, boolean>>();
  readonly #links: { readonly token: string; readonly reviewer: string }[] = [];
  /** Uses that callers were given without a key: each is a separate use. */
  readonly #uses = new Map<string, number>();
  /** The request of each key. */
  readonly #keys = new Map<string, string>();
  #seen: Seen = { at: 0, requests: [], grants: [], usages: new Map() };
  #turn = 0;
  readonly #yields: boolean;

  constructor(yields: boolean) {
    this.#yields = yields;
    this.store = new FaultyStore(new MemoryGrantStore());
    if (yields) this.store.inject('all', { fault: 'yield', seed: 7 });
    const { clock, store, approver } = this;
    const onError = (error: unknown) => this.told.push(error);
    this.engines = [1, 2].map(() => new JitEngine({ approver, clock, store, limits: LIMITS, warnBefore: 15, onError }));
  }

  /** Does a step and accepts an ordinary refusal. */
  async try(step: Step): Promise<void> {
    try {
      await this.#do(step);
    } catch (error) {
      if (!isJitError(error) || !REFUSALS.has(error.code)) throw error;
    }
  }

  async #do(step: Step): Promise<void> {
    const engine = this.engines[this.#turn++ % 2] as JitEngine;
    const { requests, grants } = this.#seen;
    const now = this.clock.now();
    const idempotencyKey = 'key' in step && step.key !== undefined ? `key-${step.key}` : undefined;
    // Mostly an open one, sometimes any.
    const among = <T extends AccessRequest | Grant>(list: readonly T[], which: number) => {
      const open = list.filter((one) => one.end === undefined && now < (one.kind === 'grant' ? one.expiresAt : one.reviewBy));
      return pick(which % 5 === 0 || open.length === 0 ? list : open, which);
    };
    switch (step.do) {
      case 'ask': {
        const subject = pick(SUBJECTS, step.who) as string;
        const requestedBy = step.by % 3 === 0 ? AGENT : subject;
        const { request } = await engine.requestAccess({
          subject,
          requestedBy,
          scopes: step.scopes,
          ttl: step.ttl,
          startsAt: step.startsIn === undefined ? undefined : now + step.startsIn,
          justification: step.why,
          metadata: { why: step.why },
          idempotencyKey,
        });
        if (idempotencyKey === undefined) return;
        // L11: a request that came back under a key always comes back under it.
        const known = `${requestedBy} ${idempotencyKey}`;
        expect(this.#keys.get(known) ?? request.id).toBe(request.id);
        this.#keys.set(known, request.id);
        return;
      }
      case 'extend':
      case 'extendAll': {
        const grant = among(grants, step.which);
        if (grant === undefined) return;
        await engine.extend(step.do === 'extend' ? grant.id : { requestId: grant.requestId }, {
          ttl: step.ttl,
          justification: step.why,
          requestedBy: step.by % 3 === 0 ? AGENT : grant.subject,
        });
        return;
      }
      case 'breakGlass': {
        const subject = pick(SUBJECTS, step.who) as string;
        const { scope, ttl, why: justification } = step;
        await engine.breakGlass({ subject, requestedBy: step.by % 3 === 0 ? AGENT : subject, scope, ttl, justification, idempotencyKey });
        return;
      }
      case 'reviewBreakGlass': {
        const request = pick(
          requests.filter((one) => one.afterReview !== undefined),
          step.which,
        );
        if (request !== undefined)
          await engine.reviewBreakGlass(request.id, { by: pick(REVIEWERS, step.who) as string, verdict: step.verdict });
        return;
      }
      case 'approve':
      case 'deny': {
        const request = among(requests, step.which);
        if (request !== undefined) await engine[step.do](request.id, { by: pick(REVIEWERS, step.who) as string, as: step.as });
        return;
      }
      case 'link': {
        const request = among(requests, step.which);
        const { decision, ttl } = step;
        const reviewer = pick(REVIEWERS, step.who) as string;
        if (request !== undefined)
          this.#links.push({ token: await linksOf(engine).create(request.id, { reviewer, decision, ttl }), reviewer });
        return;
      }
      case 'redeem': {
        const link = pick(this.#links, step.which);
        if (link === undefined) return;
        await linksOf(engine).redeem(link.token, { by: step.who % 2 === 0 ? link.reviewer : (pick(REVIEWERS, step.who) as string) });
        return;
      }
      case 'cancel':
      case 'decide': {
        const request = among(requests, step.which);
        if (request === undefined) return;
        await (step.do === 'decide'
          ? decideAgain(engine, request.id)
          : engine.cancel(request.id, { by: pick([...SUBJECTS, AGENT], step.who) as string }));
        return;
      }
      case 'revoke':
      case 'release': {
        const grant = among(grants, step.which);
        if (grant === undefined) return;
        await engine[step.do](grant.id, step.do === 'revoke' ? CISO : { by: step.who % 4 === 0 ? 'user:eve' : grant.subject });
        return;
      }
      case 'releaseAll': {
        const grant = among(grants, step.which);
        if (grant === undefined) return;
        await engine.release({ requestId: grant.requestId }, { by: step.who % 4 === 0 ? 'user:eve' : grant.subject });
        return;
      }
      case 'revokeAll': {
        const request = pick(requests, step.which);
        const targets = [
          { subject: MAYA },
          { scope: 'a:x' },
          { subject: SAM },
          ...(request === undefined ? [] : [{ requestId: request.id }]),
        ];
        await engine.revokeAll(pick(targets, step.target) ?? { subject: MAYA }, CISO);
        return;
      }
      case 'touch':
      case 'check':
      case 'consume': {
        const { subject, scope } = among(grants, step.which) ?? { subject: MAYA, scope: 'a:x' };
        if (step.do === 'touch') await engine.check(subject, scope, { touch: 'wait' });
        if (step.do === 'check') await engine.check(subject, scope, { touch: true });
        if (step.do !== 'consume') return;
        const { grant, usesLeft } = await engine.consume(subject, scope, { idempotencyKey });
        if (grant !== undefined && usesLeft !== undefined && idempotencyKey === undefined) {
          this.#uses.set(grant.id, (this.#uses.get(grant.id) ?? 0) + 1);
        }
        return;
      }
      case 'sweep':
        await engine.sweep();
        return;
      case 'fail':
        this.approver.failing = true;
        return;
      case 'heal':
        this.approver.heal();
        return;
      case 'leave':
      case 'ban': {
        const [who, set] =
          step.do === 'leave' ? [pick(REVIEWERS, step.who), this.approver.away] : [pick(SUBJECTS, step.who), this.approver.banned];
        if (who !== undefined) set.add(who);
        return;
      }
      case 'wait':
        await this.clock.advance(step.ms);
        return;
      case 'waitFor': {
        const ahead = this.#bounds().filter((bound) => bound + step.offset > now);
        // One of the next few: a distant instant would end everything together.
        const to = pick(ahead.sort((a, b) => a - b).slice(0, 4), step.which);
        if (to !== undefined) await this.clock.set(to + step.offset);
      }
    }
  }

  /** Every instant at which time alone changes something. */
  #bounds(): readonly number[] {
    const { requests, grants, usages } = this.#seen;
    return [
      ...grants.flatMap(({ end, startsAt, expiresAt, warnAt }) => (end === undefined ? [startsAt, expiresAt, ...warnAt] : [])),
      ...[...usages.values()].map(({ usedAt, startsAt }) => (usedAt ?? startsAt) + IDLE_TTL),
      ...requests.flatMap(({ reviewBy, reviews, afterReview, assignedAt }) => [
        reviewBy,
        ...(assignedAt === undefined ? [] : [assignedAt + ESCALATE_AFTER]),
        ...reviews.map(({ at }) => at + APPROVAL_TTL),
        ...(afterReview === undefined ? [] : [afterReview.reviewBy]),
      ]),
    ];
  }

  /** Asks every question, reads every record, and checks all laws. */
  async look(): Promise<void> {
    const now = this.clock.now();
    // Waits until uses and refusals in the background are recorded.
    for (const engine of this.engines) await engine.flushAudit();
    const answers = new Map<string, boolean>();
    for (const engine of this.engines) {
      for (const subject of [...SUBJECTS, 'user:eve']) {
        for (const scope of SCOPES) {
          const key = `${subject} ${scope}`;
          const allowed = await engine.isAllowed(subject, scope);
          // Two processes agree.
          expect(allowed).toBe(answers.get(key) ?? allowed);
          answers.set(key, allowed);
        }
      }
    }
    this.#answered.set(now, answers);
    const before = this.#seen;
    const seen = await this.#read();
    this.#seen = seen;
    // Judged by the records after the questions: a check may have caused the confirmation of a start.
    for (const subject of [...SUBJECTS, 'user:eve']) {
      for (const scope of SCOPES) {
        const usable = seen.grants.filter((one) => one.subject === subject && one.scope === scope && usableAt(one, seen, now));
        expect(answers.get(`${subject} ${scope}`)).toBe(usable.length > 0);
      }
    }
    expectLegal(before, seen);
    expectWhole(seen, LIMITS);
    expectLines(seen, !this.#yields);
    expectQuorums(before, seen, this.approver, now);
    expectLimits(seen, LIMITS, now);
    expectAlive(seen, this.approver.confirmed, this.#uses);
    for (const error of this.told) expect(isJitError(error) && error.code).toBe('ERR_JIT_APPROVER');
    await expectReplayed(this.store);
  }

  async #read(): Promise<Seen> {
    const rows = async (kind: string): Promise<readonly Row[]> => (await this.store.find({ kind, limit: 1_000 })).items;
    const usages = (await rows('usage')).map(decodeUsage);
    return {
      at: this.clock.now(),
      requests: (await rows('request')).map(decodeRequest),
      grants: (await rows('grant')).map(decodeGrant),
      usages: new Map(usages.map((usage) => [usage.id, usage])),
    };
  }

  /** L26 L27: the chain holds, and the engine and the replay agree with the answers at the time about who had access. */
  async lookBack(): Promise<readonly EntryType[]> {
    const entries = await entriesOf(this.store);
    const { head } = await this.store.journal({ after: 0, limit: 1 });
    expect(await verifyJournal(entries, { head })).toMatchObject({ ok: true });
    const folded = fold(entries);
    const grants = [...folded.grant.values()] as unknown as readonly Grant[];
    const usages = folded.usage as ReadonlyMap<string, unknown> as ReadonlyMap<string, Usage>;
    for (const [t, answers] of this.#answered) {
      for (const scope of SCOPES) {
        const told = (await this.engines[0]?.whoHadAccess({ scope, at: t, limit: 1_000 }))?.items ?? [];
        const replayed = grants.filter((one) => one.scope === scope && wasHeldAt(one, t, usages.get(one.id)));
        expect(told.map(({ id }) => id).sort()).toEqual(replayed.map(({ id }) => id).sort());
        for (const subject of SUBJECTS) expect(told.some((one) => one.subject === subject)).toBe(answers.get(`${subject} ${scope}`));
      }
    }
    return entries.map(({ type }) => type);
  }
}
