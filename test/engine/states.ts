import { readMacKeys } from '../../src/core/mac-keys.js';
import { signLink } from '../../src/features/links/approval-link.js';
import { LINK_KEYS } from '../features/links/links-of.js';
import { digestOf } from '../../src/journal/link.js';
import { digestOfAsk, extendedBy } from '../../src/lifecycle/ask.js';
import type { AccessAsk, AccessRequest, Grant, JitEngine, Verdict } from '../../src/index.js';
import { ScriptedApprover } from '../../src/testing.js';
import { ANA, anEngine, ask, at, HOUR, LEE, MAYA, MINUTE, refusal, SAM, SCOPE } from './an-engine.js';

/** An engine, and the one record that a row of the table is about. */
export interface State {
  readonly engine: JitEngine;
  readonly store: ReturnType<typeof anEngine>['store'];
  readonly clock: ReturnType<typeof anEngine>['clock'];
  readonly requestId: string;
  readonly grantId: string;
}

/** Decides by the justification; sam, ana and lee may review requests, and break-glass afterwards. */
function anApprover() {
  const terms: Readonly<Record<string, object>> = { idle: { idleTtlMs: MINUTE }, once: { maxUses: 1 }, twice: { maxUses: 2 } };
  const decide = (request: AccessRequest): Verdict => {
    const { justification = '' } = request;
    if (justification === 'two') return { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 2 }] } };
    if (request.extension !== undefined || justification === '') {
      return { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } };
    }
    return { outcome: 'approve', terms: terms[justification] ?? {} };
  };
  return new ScriptedApprover({
    decide,
    groupsOf: (reviewer) => ([SAM, ANA, LEE].includes(reviewer) ? ['ops'] : []),
    isEligible: true,
    breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
    mayReviewBreakGlass: (reviewer) => [SAM, ANA, LEE].includes(reviewer),
  });
}

function begin(asksAtStart = true) {
  const approver = anApprover();
  const { decide, groupsOf, breakGlass, mayReviewBreakGlass } = approver.script;
  const plain = new ScriptedApprover({ decide, groupsOf, breakGlass, mayReviewBreakGlass });
  const made = anEngine({
    approver: asksAtStart ? approver : plain,
    limits: { reviewWithin: HOUR },
  });
  const state = (requestId: string): State => ({ ...made, requestId, grantId: `${requestId}.1` });
  return { ...made, approver, state, ask: async (over: Partial<AccessAsk> = {}) => (await ask(made.engine, over)).request.id };
}

/** A grant within its window. */
async function active(justification = 'x'): Promise<State & Pick<ReturnType<typeof begin>, 'clock'>> {
  const { state, ask, clock } = begin();
  const made = state(await ask({ justification }));
  await clock.set(at(1000));
  return { ...made, clock };
}

/**
 * Every state of a request, each reached as in practice: `undecided` while the approver has failed, `halfway` after ana's
 * approval while another is required, `overdue` when no sweep has recorded the deadline; and of break-glass, whose review is
 * `unreviewed`, `missed`, or given.
 */
export const REQUEST_STATES: Readonly<Record<string, () => Promise<State>>> = {
  none: async () => begin().state('nothing'),
  undecided: async () => {
    const { approver, state, engine } = begin();
    const { decide } = approver.script;
    approver.script.decide = () => {
      throw new Error('down');
    };
    const { requestId = '' } = await refusal(ask(engine), 'ERR_JIT_APPROVER');
    approver.script.decide = decide;
    return state(requestId);
  },
  pending: async () => {
    const { state, ask } = begin();
    return state(await ask());
  },
  halfway: async () => {
    const { state, ask, engine } = begin();
    const id = await ask({ justification: 'two' });
    await engine.approve(id, { by: ANA });
    return state(id);
  },
  overdue: async () => {
    const { state, ask, clock } = begin();
    const id = await ask();
    await clock.set(at(HOUR));
    return state(id);
  },
  approved: async () => {
    const { state, ask, engine } = begin();
    const id = await ask();
    await engine.approve(id, { by: SAM });
    return state(id);
  },
  denied: async () => {
    const { state, ask, engine } = begin();
    const id = await ask();
    await engine.deny(id, { by: SAM });
    return state(id);
  },
  cancelled: async () => {
    const { state, ask, engine } = begin();
    const id = await ask();
    await engine.cancel(id, { by: MAYA });
    return state(id);
  },
  expired: async () => {
    const { state, ask, engine, clock } = begin();
    const id = await ask();
    await clock.set(at(HOUR));
    await engine.sweep();
    return state(id);
  },
  unreviewed: async () => {
    const { state, engine } = begin();
    const { request } = await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: 15 * MINUTE, justification: 'it burns' });
    return state(request.id);
  },
  missed: async () => {
    const { state, engine, clock } = begin();
    const { request } = await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: 15 * MINUTE, justification: 'it burns' });
    await clock.set(at(HOUR));
    await engine.sweep();
    return state(request.id);
  },
  acknowledged: async () => {
    const { state, engine } = begin();
    const { request } = await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: 15 * MINUTE, justification: 'it burns' });
    await engine.reviewBreakGlass(request.id, { by: SAM, verdict: 'justified' });
    return state(request.id);
  },
};

/**
 * Every state of a grant: `begun` and `waiting` after a start that no sweep has recorded. `waiting` is a grant about whose start
 * the approver must be asked, and `unconfirmed` one about which it fails to answer. `counted` has uses left. `unused` and `over`
 * have ended, and no sweep has recorded it.
 */
export const GRANT_STATES: Readonly<Record<string, () => Promise<State>>> = {
  none: async () => begin().state('nothing'),
  scheduled: async () => {
    const { state, ask } = begin();
    return state(await ask({ justification: 'x', startsAt: at(MINUTE) }));
  },
  begun: async () => {
    const { state, ask, clock } = begin(false);
    const id = await ask({ justification: 'x', startsAt: at(MINUTE) });
    await clock.set(at(MINUTE));
    return state(id);
  },
  waiting: async () => {
    const { state, ask, clock } = begin();
    const id = await ask({ justification: 'x', startsAt: at(MINUTE) });
    await clock.set(at(MINUTE));
    return state(id);
  },
  unconfirmed: async () => {
    const { state, ask, clock, approver } = begin();
    const id = await ask({ justification: 'x', startsAt: at(MINUTE) });
    await clock.set(at(MINUTE));
    approver.script.isEligible = (_, when) => {
      if (when === 'start') throw new Error('down');
      return true;
    };
    return state(id);
  },
  active: () => active(),
  counted: () => active('twice'),
  unused: async () => {
    const state = await active('idle');
    await state.clock.set(at(MINUTE));
    return state;
  },
  usedUp: async () => {
    const state = await active('once');
    await state.engine.consume(MAYA, SCOPE);
    return state;
  },
  over: async () => {
    const state = await active();
    await state.clock.set(at(15 * MINUTE));
    return state;
  },
  expired: async () => {
    const state = await active();
    await state.clock.set(at(15 * MINUTE));
    await state.engine.sweep();
    return state;
  },
  revoked: async () => {
    const state = await active();
    await state.engine.revoke(state.grantId, { by: LEE });
    return state;
  },
};

/** A link to this request for ana's approval, signed with the key of the service, in any state of the request. */
export async function linkTo({ engine, requestId, store, clock }: State): Promise<string> {
  const request = (await engine.getRequest(requestId))?.request;
  const askDigest = request === undefined ? 'none' : digestOf([digestOfAsk(request, extendedBy(request)), request.createdAt]);
  const [key] = readMacKeys('keys', LINK_KEYS);
  const [issuedAt, expiresAt] = [clock.now(), clock.now() + HOUR];
  return signLink(key, {
    namespace: store.namespace,
    requestId,
    askDigest,
    reviewer: ANA,
    decision: 'approve',
    issuedAt,
    expiresAt,
    reviewedAt: undefined,
    ttlMs: undefined,
    places: undefined,
  });
}

/** The state of a request, in a word. */
export function wordFor({ end, afterReview, quorum }: AccessRequest): string {
  if (afterReview !== undefined)
    return afterReview.breakGlassReview?.verdict ?? (afterReview.missedAt === undefined ? 'unreviewed' : 'missed');
  return end?.status ?? (quorum === undefined ? 'undecided' : 'pending');
}

/** The state of a grant, in a word: the cause of its end. */
export const wordForGrant = ({ end, activatedAt }: Grant): string => end?.cause ?? (activatedAt === undefined ? 'scheduled' : 'active');
