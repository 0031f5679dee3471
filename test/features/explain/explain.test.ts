import { explain, type Explanation, type ExplanationReason } from 'jit-access/explain';
import { purge } from 'jit-access/retention';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  autoApprove,
  JitEngine,
  patternScopes,
  reviewers,
  type AccessRequest,
  type GrantStore,
  type JitEngineOptions,
  type JsonObject,
  type Page,
  type Verdict,
} from '../../../src/index.js';
import type { Row } from '../../../src/store.js';
import { aChange, aRow, hangs, ScriptedApprover, throws, type ApproverScript } from '../../../src/testing.js';
import { untilReached } from '../../property/reach.js';
import { actArb, moveArb, SCOPES, SUBJECTS, type Step } from '../../property/steps.js';
import { World } from '../../property/world.js';
import {
  ANA,
  aGranted,
  anEngine,
  aPending,
  ask,
  at,
  entriesOf,
  HOUR,
  LEE,
  MAYA,
  MINUTE,
  refusal,
  SAM,
  SCOPE,
} from '../../engine/an-engine.js';
import { untilAsleep } from '../../engine/until-asleep.js';

const END = at(15 * MINUTE);
const OPS: Verdict = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } };

/** The status that the record has under each reason. */
function asStored(record: object | undefined): Readonly<Record<string, unknown>> {
  const copy: Record<string, unknown> = { ...record };
  delete copy['status'];
  return copy;
}

/** Decides as the justification says; without one, it asks for reviewers. */
function decide({ justification }: AccessRequest): Verdict {
  switch (justification) {
    case 'yes':
      return { outcome: 'approve' };
    case 'idle':
      return { outcome: 'approve', terms: { idleTtlMs: 5 * MINUTE } };
    case 'once':
      return { outcome: 'approve', terms: { maxUses: 1 } };
    case 'no':
      return { outcome: 'deny', reason: 'no' };
    case 'who knows':
      return { outcome: 'abstain' };
    default:
      return OPS;
  }
}

function begin(script: ApproverScript = {}, options: Partial<JitEngineOptions> = {}) {
  const members = [SAM, ANA, MAYA];
  const approver = new ScriptedApprover({
    decide,
    groupsOf: (reviewer) => (members.includes(reviewer) ? ['ops'] : []),
    membersOf: members,
    isEligible: true,
    breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
    mayReviewBreakGlass: true,
    ...script,
  });
  const made = anEngine({ approver, limits: { reviewWithin: HOUR, maxGrants: 2 }, ...options });
  return { ...made, approver };
}
type Made = ReturnType<typeof begin>;

/** Everything a store holds. */
async function everything(store: GrantStore): Promise<unknown> {
  const kinds = ['request', 'grant', 'usage', 'use', 'reuse', 'subject', 'provisioning', 'cursor', 'lease', 'horizon'];
  const pages = await Promise.all(kinds.map((kind) => store.find({ kind, limit: 1_000 })));
  return [pages.map(({ items }) => items), (await store.journal({ after: 0, limit: 1 })).head];
}

/** Explains, and checks that the result agrees with the check and that nothing was recorded. */
async function explained({ engine, store }: Pick<Made, 'engine' | 'store'>, scope = SCOPE): Promise<Explanation> {
  const allowed = await engine.isAllowed(MAYA, scope);
  await engine.flushAudit();
  const before = await everything(store);
  const told = await explain(engine, MAYA, scope);
  await engine.flushAudit();
  expect(await everything(store)).toEqual(before);
  expect(told).toMatchObject({ allowed, subject: MAYA, scope });
  return told;
}

/** The row of open locks, as a later version writes it. */
async function lock(store: GrantStore): Promise<void> {
  const empty = { subject: undefined, scope: undefined, from: undefined, until: undefined, dueAt: undefined, sortAt: undefined };
  const row = aRow({ kind: 'lock', id: 'open', createdAt: 0, ...empty, body: { locks: [{ subject: MAYA }] } });
  expect(await store.commit(aChange({ put: [row] }))).toMatchObject({ outcome: 'committed' });
}

/** The explanation with the records replaced by their ids. */
const short = ({ reason, request, grant, changesAt }: Explanation) => [reason, request?.id, grant?.id, changesAt];

interface Case {
  readonly reason: ExplanationReason;
  readonly made: Made;
  readonly request?: string | undefined;
  readonly grant?: string | undefined;
  readonly changesAt?: number;
}
const ofGrant = (
  reason: ExplanationReason,
  made: Made,
  { id: grant, requestId: request }: { id: string; requestId: string },
  changesAt?: number,
) => ({ reason, made, request, grant, ...(changesAt === undefined ? {} : { changesAt }) }) satisfies Case;

/** Produces each reason. */
const CASES: Readonly<Record<string, () => Promise<Case>>> = {
  'a grant that is usable': async () => {
    const made = begin();
    return ofGrant('granted', made, await aGranted(made.engine), END);
  },
  'a grant that extends an expired grant': async () => {
    const made = begin();
    const first = await aGranted(made.engine);
    const { request } = await made.engine.extend(first.id, { requestedBy: MAYA, ttl: '10m' });
    await made.engine.approve(request.id, { by: SAM });
    await made.clock.set(END);
    return ofGrant('granted', made, { id: `${request.id}.1`, requestId: request.id }, END + 10 * MINUTE);
  },
  'break-glass': async () => {
    const made = begin();
    const { request } = await made.engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: '5m', justification: 'it burns' });
    return ofGrant('granted', made, { id: `${request.id}.1`, requestId: request.id }, at(5 * MINUTE));
  },
  'standing access': async () => ({ reason: 'standing', made: begin({}, { standing: { [MAYA]: ['db-prod:*'] } }) }),
  'a grant while access is locked': async () => {
    const made = begin();
    await aGranted(made.engine);
    await lock(made.store);
    return { reason: 'locked', made, changesAt: at(0) };
  },
  'a due start whose eligibility check failed': async () => {
    const made = begin();
    const grant = await aGranted(made.engine, { startsAt: at(HOUR) });
    await made.clock.set(at(HOUR));
    made.approver.script.isEligible = throws(new Error('LDAP is down'));
    return ofGrant('not_activated', made, grant, at(HOUR));
  },
  'a scheduled grant before its start': async () => {
    const made = begin();
    return ofGrant('not_started', made, await aGranted(made.engine, { startsAt: at(HOUR) }), at(HOUR));
  },
  'a request that waits for reviewers': async () => {
    const made = begin();
    return { reason: 'pending', made, request: (await aPending(made.engine)).id, changesAt: at(HOUR) };
  },
  'a request of several scopes': async () => {
    const made = begin();
    return { reason: 'pending', made, request: (await aPending(made.engine, { scopes: ['a', SCOPE] })).id, changesAt: at(HOUR) };
  },
  'a request that the approver has not answered': async () => {
    const made = begin({ decide: throws(new Error('LDAP is down')) });
    const { requestId } = await refusal(ask(made.engine), 'ERR_JIT_APPROVER');
    return { reason: 'pending', made, request: requestId, changesAt: at(HOUR) };
  },
  'a request to extend an expired grant': async () => {
    const made = begin();
    const first = await aGranted(made.engine);
    const { request } = await made.engine.extend(first.id, { requestedBy: MAYA, ttl: '10m' });
    await made.clock.set(END);
    return { reason: 'pending', made, request: request.id, changesAt: at(HOUR) };
  },
  'an expired grant': async () => {
    const made = begin();
    const grant = await aGranted(made.engine);
    await made.clock.set(END);
    return ofGrant('expired', made, grant);
  },
  'a grant that reached its idle limit': async () => {
    const made = begin();
    const grant = await aGranted(made.engine, { justification: 'idle' });
    await made.clock.set(at(5 * MINUTE));
    return ofGrant('expired', made, grant);
  },
  'a grant that is used up': async () => {
    const made = begin();
    const grant = await aGranted(made.engine, { justification: 'once' });
    await made.engine.consume(MAYA, SCOPE);
    return ofGrant('expired', made, grant);
  },
  'a scheduled grant that expired without activation': async () => {
    const made = begin();
    const grant = await aGranted(made.engine, { startsAt: at(HOUR) });
    await made.clock.set(at(2 * HOUR));
    return ofGrant('expired', made, grant);
  },
  'a request that reached its review deadline': async () => {
    const made = begin();
    const { id } = await aPending(made.engine);
    await made.clock.set(at(HOUR));
    return { reason: 'expired', made, request: id };
  },
  'a grant that was revoked': async () => {
    const made = begin();
    const grant = await aGranted(made.engine);
    await made.engine.revoke(grant.id, { by: SAM });
    return ofGrant('revoked', made, grant);
  },
  'a grant that was released': async () => {
    const made = begin();
    const grant = await aGranted(made.engine);
    await made.engine.release(grant.id, { by: MAYA });
    return ofGrant('revoked', made, grant);
  },
  'break-glass that was reviewed as unjustified': async () => {
    const made = begin();
    const { request } = await made.engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: '5m', justification: 'it burns' });
    await made.engine.reviewBreakGlass(request.id, { by: SAM, verdict: 'unjustified' });
    return ofGrant('revoked', made, { id: `${request.id}.1`, requestId: request.id });
  },
  'a revoked grant whose pending extension was cancelled': async () => {
    const made = begin();
    const grant = await aGranted(made.engine);
    await made.engine.extend(grant.id, { requestedBy: MAYA, ttl: '10m' });
    await made.clock.set(at(MINUTE));
    await made.engine.revoke(grant.id, { by: SAM });
    return ofGrant('revoked', made, grant);
  },
  'a revokeAll that also cancelled a pending request': async () => {
    const made = begin();
    const grant = await aGranted(made.engine);
    await aPending(made.engine, { ttl: '20m' });
    await made.clock.set(at(MINUTE));
    await made.engine.revokeAll({ subject: MAYA }, { by: SAM });
    return ofGrant('revoked', made, grant);
  },
  'a request that was denied': async () => {
    const made = begin();
    const { id } = await aPending(made.engine);
    await made.engine.deny(id, { by: SAM });
    return { reason: 'denied', made, request: id };
  },
  'a request that the approver denied': async () => {
    const made = begin();
    return { reason: 'denied', made, request: (await ask(made.engine, { justification: 'no' })).request.id };
  },
  'a request on which the approver abstained': async () => {
    const made = begin();
    return { reason: 'denied', made, request: (await ask(made.engine, { justification: 'who knows' })).request.id };
  },
  'a request over the grant limit': async () => {
    const made = begin();
    const { id } = await aPending(made.engine);
    for (const scope of ['a', 'b']) await aGranted(made.engine, { scope, justification: 'yes' });
    await made.engine.approve(id, { by: SAM });
    return { reason: 'denied', made, request: id };
  },
  'a request that was denied at the instant at which the grant expired': async () => {
    const made = begin();
    await aGranted(made.engine);
    await made.clock.set(END);
    return { reason: 'denied', made, request: (await ask(made.engine, { justification: 'no' })).request.id };
  },
  'a request that its requester cancelled': async () => {
    const made = begin();
    const { id } = await aPending(made.engine);
    await made.engine.cancel(id, { by: MAYA });
    return { reason: 'cancelled', made, request: id };
  },
  'a request that revokeAll cancelled': async () => {
    const made = begin();
    const { id } = await aPending(made.engine);
    await made.engine.revokeAll({ scope: SCOPE }, { by: SAM });
    return { reason: 'cancelled', made, request: id };
  },
  'a subject that was ineligible at the approval': async () => {
    const made = begin();
    const { id } = await aPending(made.engine);
    made.approver.script.isEligible = false;
    await made.engine.approve(id, { by: SAM });
    return { reason: 'ineligible', made, request: id };
  },
  'a subject that was ineligible at the start': async () => {
    const made = begin();
    const grant = await aGranted(made.engine, { startsAt: at(HOUR) });
    await made.clock.set(at(HOUR));
    made.approver.script.isEligible = false;
    return ofGrant('ineligible', made, grant);
  },
  'a subject that is not eligible to ask': async () => ({ reason: 'ineligible', made: begin({ isEligible: false }) }),
  'a subject that holds another scope': async () => {
    const made = begin();
    return ofGrant('scope_mismatch', made, await aGranted(made.engine, { scope: 'db-prod:read' }), END);
  },
  'a subject with a scheduled grant of another scope': async () => {
    const made = begin();
    const grant = await aGranted(made.engine, { scope: 'db-prod:read', startsAt: at(HOUR) });
    return ofGrant('scope_mismatch', made, grant, at(HOUR + 15 * MINUTE));
  },
  'a subject with a pending request for another scope': async () => {
    const made = begin();
    return { reason: 'scope_mismatch', made, request: (await aPending(made.engine, { scope: 'db-prod:read' })).id, changesAt: at(HOUR) };
  },
  'a subject that held another scope': async () => {
    const made = begin();
    await aGranted(made.engine, { scope: 'db-prod:read' });
    await made.clock.set(END);
    return { reason: 'no_request', made };
  },
  'a subject that never asked': async () => ({ reason: 'no_request', made: begin() }),
  'a subject that never asked, where a purge has run': async () => {
    const made = begin();
    await purge(made.engine, { before: at(0), by: SAM, force: true });
    return { reason: 'no_request', made };
  },
  'a subject whose past was purged': async () => {
    const made = begin();
    await aGranted(made.engine);
    await made.clock.set(at(HOUR));
    await made.engine.sweep();
    expect(await purge(made.engine, { before: at(HOUR), by: SAM, force: true })).toMatchObject({ requests: 1, grants: 1 });
    return { reason: 'purged', made };
  },
};

describe('JitEngine', () => {
  describe('explain()', () => {
    for (const [what, make] of Object.entries(CASES)) {
      it(`L1 L20 explains ${what}, in every process, before and after a sweep, and records nothing`, async () => {
        const { made, reason, request, grant, changesAt } = await make();
        const told = await explained(made);
        expect(short(told)).toEqual([reason, request, grant, changesAt]);
        expect(told.at).toBe(made.clock.now());
        // An ask is tried only where access is neither there nor pending.
        const isOnItsWay = ['granted', 'standing', 'locked', 'not_activated', 'not_started', 'pending'].includes(reason);
        expect(told.asking === undefined).toBe(isOnItsWay);
        const { approver, clock, store } = made;
        const other = new JitEngine({
          approver,
          clock,
          store,
          limits: { reviewWithin: HOUR, maxGrants: 2 },
          standing: { [MAYA]: reason === 'standing' ? ['db-prod:*'] : [] },
        });
        expect(short(await explained({ engine: other, store }))).toEqual(short(told));
        await made.engine.sweep();
        await made.engine.flushAudit();
        expect(short(await explained(made))).toEqual(short(told));
      });
    }

    it('covers every reason', async () => {
      const made = await Promise.all(Object.values(CASES).map(async (make) => (await make()).reason));
      expect([...new Set(made)].sort()).toEqual(
        [
          ...['granted', 'standing', 'locked', 'not_activated', 'not_started', 'pending', 'expired', 'revoked', 'denied'],
          ...['cancelled', 'ineligible', 'scope_mismatch', 'purged', 'no_request'],
        ].sort(),
      );
    });

    it('L1 reports locked when a grant is issued and locked while it reads', async () => {
      const { engine, store } = begin();
      const find = store.find.bind(store);
      let isRaced = false;
      store.find = async (query) => {
        if (!isRaced) {
          isRaced = true;
          await aGranted(engine);
          await lock(store);
        }
        return find(query);
      };
      expect(await explain(engine, MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'locked', changesAt: at(0), grant: undefined });
      expect(isRaced).toBe(true);
    });

    it('reports standing access as allowed while access is locked', async () => {
      const made = begin({}, { standing: { [MAYA]: ['wiki:read'] } });
      await lock(made.store);
      expect((await explained(made, 'wiki:read')).reason).toBe('standing');
      expect((await explained(made)).reason).toBe('locked');
    });

    it('returns the same fields for every reason', async () => {
      const { engine } = begin();
      const grant = await aGranted(engine);
      const { request } = (await engine.getRequest(grant.requestId)) ?? {};
      const about = { subject: MAYA, at: at(0), pattern: undefined };
      expect(await explain(engine, MAYA, { scope: SCOPE })).toStrictEqual({
        ...about,
        allowed: true,
        reason: 'granted',
        scope: SCOPE,
        request: asStored(request),
        grant: asStored(grant),
        changesAt: END,
        approvers: undefined,
        asking: undefined,
      });
      const told = await explain(engine, 'user:eve', 'never:asked');
      expect(told).toStrictEqual({
        ...about,
        allowed: false,
        reason: 'no_request',
        subject: 'user:eve',
        scope: 'never:asked',
        request: undefined,
        grant: undefined,
        changesAt: undefined,
        approvers: { groups: ['ops'], missingInWords: '1 more of ops', people: [SAM, ANA, MAYA] },
        asking: told.asking,
      });
      expect(Object.keys(told)).toEqual(Object.keys(await explain(engine, MAYA, SCOPE)));
    });

    it('returns the standing pattern instead of the grant where both cover the scope', async () => {
      const { engine } = begin({}, { standing: { [MAYA]: ['*:read', 'db-prod:*'] } });
      await aGranted(engine);
      expect(await explain(engine, MAYA, SCOPE)).toMatchObject({
        reason: 'standing',
        pattern: 'db-prod:*',
        grant: undefined,
        request: undefined,
      });
    });

    it('reports the latest end, in any order of the ends of requests and grants', async () => {
      const made = begin();
      const { engine, clock } = made;
      const grant = await aGranted(engine, { ttl: '10m' });
      const denied = await aPending(engine, { ttl: '20m' });
      await clock.set(at(5 * MINUTE));
      await engine.deny(denied.id, { by: SAM });
      expect((await explained(made)).reason).toBe('granted');
      await clock.set(at(10 * MINUTE));
      expect(short(await explained(made))).toEqual(['expired', grant.requestId, grant.id, undefined]);
      const cancelled = await aPending(engine);
      expect((await explained(made)).reason).toBe('pending');
      await clock.set(at(11 * MINUTE));
      await engine.cancel(cancelled.id, { by: MAYA });
      expect(short(await explained(made))).toEqual(['cancelled', cancelled.id, undefined, undefined]);
      const again = await aGranted(engine);
      await engine.revoke(again.id, { by: SAM });
      expect(short(await explained(made))).toEqual(['revoked', again.requestId, again.id, undefined]);
    });

    it('L21 matches patterns in grants and in requests where the engine has a pattern matcher', async () => {
      const made = begin({}, { scopes: patternScopes });
      const { engine, clock } = made;
      const pending = await aPending(engine, { scope: 'db-prod:**' });
      expect(short(await explained(made, 'db-prod:write:rows'))).toEqual(['pending', pending.id, undefined, at(HOUR)]);
      expect((await explained(made, 'db-dev:write')).reason).toBe('scope_mismatch');
      await engine.approve(pending.id, { by: SAM });
      expect((await explained(made, 'db-prod:write:rows')).grant?.scope).toBe('db-prod:**');
      await clock.set(END);
      expect((await explained(made, 'db-prod:write:rows')).reason).toBe('expired');
      expect((await explained(made, 'db-dev:write')).reason).toBe('no_request');
    });

    it("L21 does not report an exact matcher's false covers() as access, as a check does not", async () => {
      const liar = { name: 'liar', exact: true, covers: () => true, overlaps: () => true };
      const made = begin({}, { scopes: liar });
      await aGranted(made.engine, { scope: 'db-prod:read' });
      expect((await explained(made)).reason).toBe('scope_mismatch');
    });

    it('L6 reports an end early by the leeway, as a check does', async () => {
      const made = begin({}, { leewayMs: 1000, limits: { reviewWithin: HOUR } });
      const grant = await aGranted(made.engine);
      const pending = await aPending(made.engine, { scope: 'b' });
      expect((await explained(made)).changesAt).toBe(END - 1000);
      expect((await explained(made, 'b')).changesAt).toBe(at(HOUR) - 1000);
      await made.clock.set(END - 1001);
      expect((await explained(made)).reason).toBe('granted');
      await made.clock.set(END - 1000);
      expect(short(await explained(made))).toEqual(['expired', grant.requestId, grant.id, undefined]);
      await made.clock.set(at(HOUR) - 1000);
      expect(short(await explained(made, 'b'))).toEqual(['expired', pending.id, undefined, undefined]);
    });

    it('L5 reports the recorded state but no asking outcome after the clock was set back', async () => {
      const made = begin();
      const grant = await aGranted(made.engine);
      await made.clock.set(END);
      expect((await explained(made)).reason).toBe('expired');
      await made.clock.set(at(0));
      const told = await explained(made);
      expect([...short(told), told.asking, told.at]).toEqual(['expired', grant.requestId, grant.id, undefined, undefined, at(0)]);
      expect(made.told).toContainEqual({ error: expect.objectContaining({ code: 'ERR_JIT_CLOCK' }) as unknown, during: 'explain' });
    });

    it('reads all pages and reports the record that decides', async () => {
      const made = begin({}, { limits: { maxGrants: 300, maxOpenRequests: 300, duplicates: 'return' } });
      const { engine, clock } = made;
      for (let i = 0; i < 130; i++) {
        const { request } = await ask(engine, { ttl: 1000 + i, justification: 'yes' });
        if (i % 2 === 0) await engine.revoke(`${request.id}.1`, { by: SAM });
      }
      await clock.set(at(2000));
      const told = await explained(made);
      expect([told.reason, told.request?.ttlMs]).toEqual(['expired', 1129]);
    });

    describe('approvers', () => {
      const escalation = { group: 'leads', afterMs: 10 * MINUTE };

      it('L15 list the groups, and the people except the subject and the requester', async () => {
        const { engine } = begin();
        const { id } = await aPending(engine, { requestedBy: ANA });
        expect(await explain(engine, MAYA, SCOPE)).toMatchObject({ request: { id }, approvers: { groups: ['ops'], people: [SAM] } });
      });

      it('L2 include the escalation group from its time on, with and without a sweep', async () => {
        const quorum = { groups: [{ name: 'ops', approvals: 1 }], escalation };
        const made = begin({ decide: { outcome: 'review', quorum } });
        await aPending(made.engine);
        await made.clock.set(at(10 * MINUTE - 1));
        expect((await explained(made)).approvers?.groups).toEqual(['ops']);
        await made.clock.set(at(10 * MINUTE));
        expect((await explained(made)).approvers?.groups).toEqual(['ops', 'leads']);
        await made.engine.sweep();
        expect((await explained(made)).approvers?.groups).toEqual(['ops', 'leads']);
      });

      it('L16 are undefined while the approver has not answered', async () => {
        const made = begin({ decide: throws(new Error('LDAP is down')) });
        await refusal(ask(made.engine), 'ERR_JIT_APPROVER');
        expect(await explained(made)).toMatchObject({ reason: 'pending', approvers: undefined });
        expect(made.approver.asked('membersOf')).toBe(0);
      });

      it('list no people where the approver has no membersOf or it fails, and the failure is reported to onError', async () => {
        const silent = anEngine({ approver: new ScriptedApprover({ decide: OPS }) });
        await aPending(silent.engine);
        expect((await explained(silent)).approvers).toEqual({ groups: ['ops'], missingInWords: '1 more of ops', people: undefined });
        const { engine, told } = begin({ membersOf: throws(new Error('LDAP is down')) });
        await aPending(engine);
        told.length = 0;
        expect((await explain(engine, MAYA, SCOPE)).approvers).toEqual({
          groups: ['ops'],
          missingInWords: '1 more of ops',
          people: undefined,
        });
        expect(told).toMatchObject([{ error: { code: 'ERR_JIT_APPROVER' }, during: 'membersOf' }]);
      });

      it('are the groups and people that would review, where there is no request', async () => {
        const made = anEngine({ approver: reviewers({ members: [SAM, MAYA] }) });
        expect((await explained(made)).approvers).toEqual({ groups: ['reviewers'], missingInWords: '1 more of reviewers', people: [SAM] });
        for (const justification of ['yes', 'no']) {
          const { engine } = begin();
          expect((await explain(engine, MAYA, SCOPE, { ask: { justification } })).approvers).toBeUndefined();
        }
      });
    });

    describe('asking', () => {
      it('is the outcome of this ask as a dry run, and stores nothing', async () => {
        const { engine, store, approver } = begin();
        const before = await everything(store);
        const metadata: JsonObject = { pager: 7 };
        for (const [asked, expected] of [
          [
            undefined,
            { outcome: 'pending', dryRun: true, request: { ttlMs: 15 * MINUTE, scopes: [SCOPE], subject: MAYA, requestedBy: MAYA } },
          ],
          [{}, { outcome: 'pending' }],
          [{ ttl: '1h' }, { outcome: 'pending', request: { ttlMs: HOUR } }],
          [
            { justification: 'yes', ticket: 'INC-1', metadata },
            { outcome: 'granted', request: { ticket: 'INC-1', metadata }, grants: [{ expiresAt: END }] },
          ],
          [
            { justification: 'yes', startsAt: at(HOUR) },
            { outcome: 'granted', grants: [{ startsAt: at(HOUR) }] },
          ],
          [{ justification: 'no' }, { outcome: 'denied', reason: 'no' }],
          [{ ttl: '9h' }, { outcome: 'refused', code: 'ERR_JIT_REQUIREMENTS' }],
          [{ startsAt: 0 }, { outcome: 'refused', code: 'ERR_JIT_DEADLINE' }],
        ] as const) {
          expect((await explain(engine, MAYA, SCOPE, { ask: asked })).asking).toMatchObject(expected);
        }
        approver.script.isEligible = { eligible: false, reason: 'not on call' };
        expect(await explain(engine, MAYA, SCOPE)).toMatchObject({
          reason: 'ineligible',
          asking: { outcome: 'refused', code: 'ERR_JIT_INELIGIBLE', reason: expect.stringContaining('not on call') as string },
        });
        await engine.flushAudit();
        expect(await everything(store)).toEqual(before);
      });

      it('uses a default ttl within the limits', async () => {
        for (const [limits, ttlMs] of [
          [{ maxTtl: MINUTE }, MINUTE],
          [{ maxTotal: 2 * MINUTE }, 2 * MINUTE],
          [{ maxTtl: HOUR }, 15 * MINUTE],
        ] as const) {
          expect((await explain(begin({}, { limits }).engine, MAYA, SCOPE)).asking).toMatchObject({ request: { ttlMs } });
        }
      });

      it('L30 is undefined when the approver throws or hangs, the reason stays, and onError receives the failure', async () => {
        for (const broken of [
          { isEligible: throws(new Error('LDAP')) },
          { isEligible: hangs() },
          { decide: throws(new Error('LDAP')) },
          { decide: hangs() },
        ]) {
          const { engine, approver, clock, store, told } = begin({}, { limits: { approverTimeout: 1000 } });
          const grant = await aGranted(engine);
          await engine.revoke(grant.id, { by: SAM });
          Object.assign(approver.script, broken);
          const before = await everything(store);
          const explaining = explain(engine, MAYA, SCOPE);
          if (Object.values(broken).some((answer) => String(answer).includes('Promise'))) {
            await untilAsleep(clock);
            await clock.advance(1000);
          }
          expect(await explaining).toMatchObject({ reason: 'revoked', grant: { id: grant.id }, asking: undefined, approvers: undefined });
          expect(told).toMatchObject([{ error: { code: 'ERR_JIT_APPROVER' }, during: 'explain' }]);
          await engine.flushAudit();
          expect(await everything(store)).toEqual(before);
        }
      });

      it('L30 is undefined and the reason is no_request when the approver fails and there is no record', async () => {
        const { engine } = begin({ isEligible: throws(new Error('LDAP')) });
        expect(await explain(engine, MAYA, SCOPE)).toMatchObject({ reason: 'no_request', asking: undefined });
      });

      it('L33 a kept record that ended before the purge horizon no longer decides the reason; one that ended at the horizon does', async () => {
        for (const [before, reason] of [
          [END, 'expired'],
          [END + 1, 'purged'],
        ] as const) {
          const made = begin();
          const { engine, clock } = made;
          // Kept while its break-glass review is pending.
          await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: '15m', justification: 'it burns' });
          await clock.set(at(2 * HOUR));
          await engine.sweep();
          await purge(engine, { before, by: SAM, force: true });
          expect((await explained(made)).reason).toBe(reason);
        }
      });

      it('is returned with the reasons purged and ended', async () => {
        const made = await CASES['a subject whose past was purged']?.();
        expect(made && (await explain(made.made.engine, MAYA, SCOPE))).toMatchObject({
          reason: 'purged',
          asking: { outcome: 'pending' },
          approvers: { groups: ['ops'] },
        });
      });
    });

    describe('argument checks', () => {
      it('L23 names the subject by its canonical id', async () => {
        const { engine } = begin({}, { canonicalId: (id) => (id.endsWith('!') ? id : `${id}!`) });
        const told = await explain(engine, 'user:maya', SCOPE);
        expect(told.subject).toBe('user:maya!');
        expect(told.asking).toMatchObject({ request: { subject: 'user:maya!', requestedBy: 'user:maya!' } });
        const lower = begin({}, { canonicalId: (id) => id.toLowerCase() });
        await aGranted(lower.engine, { subject: 'USER:Maya' });
        expect(await explain(lower.engine, 'User:MAYA', SCOPE)).toMatchObject({ subject: MAYA, reason: 'granted' });
      });

      it('L23 refuses an invalid subject, scope or ask before it reads the store', async () => {
        const { engine, store } = begin({}, { scopes: patternScopes });
        const calls = store.calls.length;
        const scopes = [
          '',
          '   ',
          'a:',
          ':a',
          'a::b',
          '*',
          'a:*',
          'a\u0000',
          '\u0430'.repeat(300),
          ['a'],
          null,
          undefined,
          7,
          {},
          { scope: '*' },
        ];
        for (const scope of scopes) {
          expect(await refusal(explain(engine, MAYA, scope as never), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument: 'scope' });
        }
        for (const subject of ['', ' a', 'system', 'system:sweeper', 'a\u200b', '\ud800', 'x'.repeat(257), null, undefined, 7, ['a']]) {
          expect(await refusal(explain(engine, subject as never, SCOPE), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({
            argument: 'subject',
          });
        }
        for (const [argument, options] of [
          ['options', null],
          ['options', 'x'],
          ['options', { asks: {} }],
          ['ask', { ask: null }],
          ['ask', { ask: [] }],
          ['ask', { ask: { subject: ANA } }],
          ['ask', { ask: { scope: 'other' } }],
          ['ask', { ask: { dryRun: false } }],
          ['ask', { ask: { idempotencyKey: 'k' } }],
          ['ttl', { ask: { ttl: 0 } }],
          ['ttl', { ask: { ttl: null } }],
          ['startsAt', { ask: { startsAt: NaN } }],
          ['justification', { ask: { justification: 7 } }],
          ['ticket', { ask: { ticket: '\u0007' } }],
          ['metadata', { ask: { metadata: [] } }],
        ] as const) {
          expect(await refusal(explain(engine, MAYA, SCOPE, options as never), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument });
        }
        expect(store.calls.length).toBe(calls);
      });

      it('accepts names of Object.prototype as subject and scope', async () => {
        const { engine } = begin();
        for (const name of ['__proto__', 'constructor', 'toString']) {
          expect(await explain(engine, name, name)).toMatchObject({ reason: 'no_request', subject: name, scope: name });
        }
      });
    });

    describe('over a faulty store', () => {
      it('L30 rejects with ERR_JIT_STORE when any one of its reads fails', async () => {
        for (const method of ['live', 'find', 'get'] as const) {
          for (let n = 1; n <= 20; n++) {
            const { engine, clock, store } = begin();
            await aGranted(engine, { justification: 'idle' });
            await clock.set(END);
            const reads = store.called(method);
            // The nth read of this kind fails.
            let left = n;
            const fails = (answer: unknown) => {
              if (--left === 0) throw new Error('the backend is gone');
              return answer;
            };
            store.inject(method, { fault: 'malformed', answer: fails });
            const explaining = explain(engine, MAYA, SCOPE);
            if (left > 0) await explaining.catch(() => undefined);
            const asked = store.called(method) - reads;
            if (asked < n) {
              await explaining;
              break;
            }
            await refusal(explaining, 'ERR_JIT_STORE');
          }
        }
      });

      const spoilt = ({ store }: Made, spoil: Readonly<Record<string, (row: Row) => Row | undefined>>) => {
        store.clear();
        const swap = (row: Row | undefined) => (row === undefined ? row : (spoil[row.id] ?? ((same) => same))(row));
        const all = (rows: readonly (Row | undefined)[]) => rows.map(swap);
        store.inject('get', { fault: 'malformed', answer: all });
        store.inject('live', { fault: 'malformed', answer: (rows: readonly Row[]) => all(rows).filter((row) => row !== undefined) });
        const page = ({ items, next }: Page<Row>) => ({ items: all(items).filter((row) => row !== undefined), next });
        store.inject('find', { fault: 'malformed', answer: page });
      };
      const bent = (row: Row): Row => ({ ...row, body: { ...row.body, more: 1 } });

      it('L30 reports an unreadable row to onError and still explains by the other rows', async () => {
        const made = begin();
        const { engine, told } = made;
        const revoked = await aGranted(engine);
        await engine.revoke(revoked.id, { by: SAM });
        await made.clock.set(at(MINUTE));
        const denied = (await ask(engine, { justification: 'no' })).request;
        expect((await explained(made)).reason).toBe('denied');
        spoilt(made, { [denied.id]: bent });
        expect(short(await explain(engine, MAYA, SCOPE))).toEqual(['revoked', revoked.requestId, revoked.id, undefined]);
        expect(told).toContainEqual({ error: expect.objectContaining({ code: 'ERR_JIT_CORRUPT' }) as unknown, during: 'row' });
        spoilt(made, { [revoked.id]: bent });
        expect((await explain(engine, MAYA, SCOPE)).reason).toBe('denied');
        // The grant decides; its request only adds to the answer.
        spoilt(made, { [denied.id]: () => undefined, [revoked.requestId]: bent });
        expect(await explain(engine, MAYA, SCOPE)).toMatchObject({ reason: 'revoked', request: undefined, grant: { id: revoked.id } });
      });

      it('L30 rejects with ERR_JIT_CORRUPT when the grant or the usage row of an approved request is missing or unreadable', async () => {
        for (const [kind, spoil] of [
          ['grant', bent],
          ['grant', () => undefined],
          ['usage', bent],
          ['usage', () => undefined],
        ] as const) {
          const made = begin();
          const { engine } = made;
          await engine.deny((await aPending(engine)).id, { by: SAM });
          await made.clock.set(at(MINUTE));
          const grant = await aGranted(engine, { justification: 'idle' });
          const swap = (row: Row | undefined) => (row?.kind === kind ? spoil(row) : row);
          const swapAll = (rows: readonly (Row | undefined)[]) => rows.map(swap);
          const there = (rows: readonly Row[]) => swapAll(rows).filter((row) => row !== undefined);
          made.store.inject('get', { fault: 'malformed', answer: swapAll });
          made.store.inject('live', { fault: 'malformed', answer: there });
          made.store.inject('find', { fault: 'malformed', answer: ({ items, next }: Page<Row>) => ({ items: there(items), next }) });
          const error = await refusal(explain(engine, MAYA, SCOPE), 'ERR_JIT_CORRUPT');
          expect(error).toMatchObject({ kind: 'request', id: grant.requestId });
          expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
          // Other scopes are still explained.
          expect((await explain(engine, MAYA, 'other')).reason).toBe('no_request');
          made.store.clear();
          expect(await explain(engine, MAYA, SCOPE)).toMatchObject({ allowed: true, grant: { id: grant.id } });
        }
      });

      it('L33 reports purged when a purge removes the records between two reads', async () => {
        const made = begin();
        await aGranted(made.engine);
        await made.clock.set(at(HOUR));
        await made.engine.sweep();
        let isPurged = false;
        made.store.inject('find', {
          fault: 'malformed',
          answer: async (page: Page<Row>) => {
            if (!isPurged && page.items.some(({ kind }) => kind === 'request')) {
              isPurged = true;
              await purge(made.engine, { before: at(HOUR), by: SAM, force: true });
            }
            return page;
          },
        });
        expect(short(await explain(made.engine, MAYA, SCOPE))).toEqual(['purged', undefined, undefined, undefined]);
        expect(isPurged).toBe(true);
      });

      it('L30 reads a grant again that expires during the read, so that a revoke in time is reported', async () => {
        const made = begin();
        const { engine, clock, store } = made;
        const grant = await aGranted(engine);
        await clock.set(END - 1);
        // The check must not see the grant.
        store.inject('live', { fault: 'malformed', answer: [] }, 1);
        let isOver = false;
        store.inject('find', {
          fault: 'malformed',
          answer: async (page: Page<Row>) => {
            if (!isOver && page.items.some(({ kind }) => kind === 'grant')) {
              isOver = true;
              await engine.revoke(grant.id, { by: SAM });
              await clock.set(END);
            }
            return page;
          },
        });
        expect(short(await explain(engine, MAYA, SCOPE))).toEqual(['revoked', grant.requestId, grant.id, undefined]);
      });

      it('L19 ignores rows of another subject that the store returns', async () => {
        const made = begin();
        const [theirs, asked] = [await aGranted(made.engine, { subject: ANA }), await aPending(made.engine, { subject: LEE })];
        const rows = await made.store.get([
          { kind: 'grant', id: theirs.id },
          { kind: 'request', id: asked.id },
        ]);
        made.store.inject('find', {
          fault: 'malformed',
          answer: (page: { items: readonly Row[] }) => ({ ...page, items: [...page.items, ...rows] }),
        });
        expect(await explain(made.engine, MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'no_request' });
      });

      it('L1 reports expired when the answer arrives after the end', async () => {
        const made = begin();
        const grant = await aGranted(made.engine);
        made.store.inject('get', { fault: 'hang' }, 1);
        const explaining = explain(made.engine, MAYA, SCOPE);
        await new Promise((resolve) => setImmediate(resolve));
        await made.clock.set(END);
        made.store.release();
        expect(short(await explaining)).toEqual(['expired', grant.requestId, grant.id, undefined]);
      });

      it('reports granted when the request is approved during the read', async () => {
        const made = begin();
        const { id } = await aPending(made.engine);
        let approved = false;
        made.store.inject('find', {
          fault: 'malformed',
          answer: async (page: { items: readonly Row[] }) => {
            if (!approved && page.items.some(({ kind }) => kind === 'request')) {
              approved = true;
              await made.engine.approve(id, { by: SAM });
            }
            return page;
          },
        });
        expect(short(await explain(made.engine, MAYA, SCOPE))).toEqual(['granted', id, `${id}.1`, END]);
      });
    });

    it('activates a due start, as a check does, and records nothing else', async () => {
      const { engine, clock, store } = begin();
      const grant = await aGranted(engine, { startsAt: at(HOUR) });
      await clock.set(at(HOUR));
      expect(await explain(engine, MAYA, SCOPE)).toMatchObject({ allowed: true, grant: { id: grant.id, activatedAt: at(HOUR) } });
      expect((await entriesOf(store)).at(-1)?.type).toBe('grant.activated');
    });

    it('L29 a refused dry run records no attempt', async () => {
      const { engine, store } = anEngine({ approver: { ...autoApprove(() => true), isEligible: () => false } });
      await explain(engine, MAYA, SCOPE);
      await engine.flushAudit();
      expect(await entriesOf(store)).toEqual([]);
    });

    const REASONS = ['granted', 'not_started', 'pending', 'expired', 'revoked', 'denied', 'cancelled', 'scope_mismatch', 'no_request'];
    const stepArb: fc.Arbitrary<Step> = fc.oneof({ weight: 3, arbitrary: actArb }, { weight: 1, arbitrary: moveArb });

    it('L1 L2 L20 agrees with the check after any sequence of verbs, names a record in the reported state, and writes nothing', async () => {
      const reasons = new Set<string>();
      const lives = fc.asyncProperty(fc.array(stepArb, { minLength: 15, maxLength: 40, size: 'max' }), async (steps) => {
        const world = new World(false);
        let turn = 0;
        for (const step of steps) {
          await world.try(step);
          await world.look();
          const engine = world.engines[turn++ % 2] as JitEngine;
          const before = await everything(world.store);
          for (const subject of SUBJECTS) {
            for (const scope of SCOPES) {
              const told = await explain(engine, subject, scope);
              expect(told.allowed).toBe(await engine.isAllowed(subject, scope));
              expectBorneOut(told, world.clock.now());
              reasons.add(told.reason);
            }
          }
          await engine.flushAudit();
          expect(await everything(world.store)).toEqual(before);
        }
      });
      await untilReached(REASONS, reasons, () => fc.assert(lives, { numRuns: 40 }));
    });
  });
});

/** Expects that the named record is in the reported state. */
function expectBorneOut({ reason, subject, scope, request, grant, changesAt, asking, approvers }: Explanation, now: number): void {
  for (const record of [request, grant]) if (record !== undefined) expect(record.subject).toBe(subject);
  if (grant !== undefined) {
    expect(request?.id).toBe(grant.requestId);
    expect(grant.scope === scope).toBe(reason !== 'scope_mismatch');
  } else if (request !== undefined) expect(request.scopes.includes(scope)).toBe(reason !== 'scope_mismatch');
  if (reason !== 'not_activated' && changesAt !== undefined) expect(changesAt).toBeGreaterThan(now);
  const isOnItsWay = ['granted', 'standing', 'locked', 'not_activated', 'not_started', 'pending'].includes(reason);
  if (isOnItsWay) expect(asking).toBeUndefined();
  if (approvers !== undefined) expect(reason === 'pending' || asking?.outcome === 'pending').toBe(true);
  switch (reason) {
    case 'granted':
      expect([grant?.end, (grant?.startsAt ?? Infinity) <= now, now < (grant?.expiresAt ?? 0)]).toEqual([undefined, true, true]);
      return;
    case 'not_activated':
      expect([grant?.asksAtStart, grant?.activatedAt, (grant?.startsAt ?? Infinity) <= now]).toEqual([true, undefined, true]);
      return;
    case 'not_started':
      expect([grant?.end, grant?.startsAt]).toEqual([undefined, changesAt]);
      return;
    case 'pending':
      expect([request?.end, request?.reviewBy]).toEqual([undefined, changesAt]);
      return;
    case 'expired':
      if (grant !== undefined) expect(grant.end?.status ?? 'expired').toBe('expired');
      else expect([request?.end?.status ?? 'expired', (request?.reviewBy ?? Infinity) <= now]).toEqual(['expired', true]);
      return;
    case 'revoked':
      expect(grant?.end?.status).toBe('revoked');
      return;
    case 'denied':
    case 'cancelled':
      expect([request?.end?.status, grant]).toEqual([reason, undefined]);
      return;
    case 'ineligible':
      if (request === undefined) expect(asking).toMatchObject({ code: 'ERR_JIT_INELIGIBLE' });
      else expect((grant ?? request).end?.cause).toBe('ineligible');
      return;
    case 'scope_mismatch':
      expect((grant ?? request)?.end).toBeUndefined();
      return;
    default:
      expect([reason, request, grant]).toEqual(['no_request', undefined, undefined]);
  }
}
