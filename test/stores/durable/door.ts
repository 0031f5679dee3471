import type { AccessRequest, Approver, JitEngineOptions, Verdict } from 'jit-access';

/** The engines of these tests decide alike in every process. Durations in milliseconds. */
export const REVIEW_WITHIN = 600_000;
export const ESCALATE_AFTER = 300_000;
export const WARN_BEFORE = 120_000;
export const IDLE_TTL = 240_000;
export const OWED_WITHIN = 600_000;

/**
 * Decides by the justification: `now` approves, `once` approves one use, `idle` gives an idle limit, `alone` approves one holder at
 * a time, and `later` is decided only where `decides` is set, in a second commit; all others in that of the request. Subjects whose ids begin with `user:r` review any other request: two of
 * them for `pair`, else one.
 */
const door = (decides = true): Approver => ({
  name: 'door',
  decide: (request): Verdict => {
    const word = wordOf(request);
    if (word === 'later' && !decides) throw new Error('not now');
    if (word === 'once') return { outcome: 'approve', terms: { maxUses: 1 } };
    if (word === 'idle') return { outcome: 'approve', terms: { idleTtlMs: IDLE_TTL } };
    if (word === 'alone') return { outcome: 'approve', terms: { maxHolders: [{ rule: 'alone', max: 1, scopes: request.scopes }] } };
    if (word === 'now' || word === 'later') return { outcome: 'approve' };
    const escalation = { group: 'lead', afterMs: ESCALATE_AFTER };
    return {
      outcome: 'review',
      quorum: { groups: [{ name: 'ops', approvals: word === 'pair' ? 2 : 1 }], reviewWithinMs: REVIEW_WITHIN, escalation },
    };
  },
  decidesAtOnce: (request) => wordOf(request) !== 'later',
  groupsOf: (reviewer) => (reviewer.startsWith('user:r') ? ['ops'] : []),
  isEligible: () => true,
  breakGlass: () => ({ outcome: 'approve', reviewWithinMs: OWED_WITHIN, maxUnreviewed: 1_000 }),
  mayReviewBreakGlass: (reviewer) => reviewer.startsWith('user:r'),
});

const wordOf = ({ justification, extension }: AccessRequest): string | undefined => (extension === undefined ? justification : 'extension');

export const engineOptions = (decides?: boolean) =>
  ({
    approver: door(decides),
    limits: { minTtl: '1s', maxOpenRequests: 1_000, maxGrants: 1_000 },
    warnBefore: WARN_BEFORE,
  }) satisfies Partial<JitEngineOptions>;
