import type { AccessRequest, Approver, BreakGlassVerdict, Verdict } from '../../src/index.js';
import { ANA, LEE, MAYA, SAM } from '../engine/an-engine.js';

export const NOOR = 'user:noor';
export const BOT = 'agent:8';

/** Milliseconds, so short that a few steps cross each of them. */
export const REVIEW_WITHIN = 60;
export const APPROVAL_TTL = 25;
export const ESCALATE_AFTER = 20;
export const IDLE_TTL = 20;
const WARN_BEFORE = [25, 10];
const MAX_USES = 2;
export const SHORT_TOTAL = 60;
const OWED_WITHIN = 40;
export const MAX_UNREVIEWED = 1;

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  [SAM]: ['ops', 'sec'],
  [ANA]: ['sec'],
  [LEE]: ['ops'],
  [MAYA]: ['ops', 'sec'],
  [NOOR]: ['lead'],
  // For the approver only; the engine asks it about no agent.
  [BOT]: ['ops', 'sec', 'lead'],
};

/**
 * Decides by the words of the justification: one of `approve`, `deny`, `abstain`, `solo`, or `review` without any of them; and
 * any of `idle`, `uses`, `warn`, `short`. A person who is away is in no group, a banned person is not eligible, and a failing
 * approver answers nothing.
 */
export class Moody implements Approver {
  readonly name = 'moody';
  failing = false;
  readonly away = new Set<string>();
  readonly banned = new Set<string>();
  /** The requests whose start it has confirmed. */
  readonly confirmed = new Set<string>();

  decide(request: AccessRequest): Verdict {
    this.#refuseToAnswer();
    const words = wordsOf(request);
    const terms = termsOf(words);
    if (words.includes('approve')) return { outcome: 'approve', terms };
    if (words.includes('deny')) return { outcome: 'deny', reason: 'no' };
    if (words.includes('abstain')) return { outcome: 'abstain' };
    if (words.includes('solo')) return { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] }, terms };
    const groups = [
      { name: 'ops', approvals: 1 },
      { name: 'sec', approvals: 1 },
    ];
    const escalation = { group: 'lead', afterMs: ESCALATE_AFTER };
    const quorum = { groups, denials: 2, approvalTtlMs: APPROVAL_TTL, reviewWithinMs: REVIEW_WITHIN, escalation };
    return { outcome: 'review', quorum, terms };
  }

  groupsOf(reviewer: string): readonly string[] {
    this.#refuseToAnswer();
    return this.groupsNow(reviewer);
  }

  isEligible(request: AccessRequest, when: string): boolean {
    this.#refuseToAnswer();
    const eligible = !this.banned.has(request.subject);
    if (eligible && when === 'start') this.confirmed.add(request.id);
    return eligible;
  }

  breakGlass(request: AccessRequest): BreakGlassVerdict {
    this.#refuseToAnswer();
    const words = wordsOf(request);
    if (words.includes('deny')) return { outcome: 'deny', reason: 'no emergency' };
    return {
      outcome: 'approve',
      reviewWithinMs: OWED_WITHIN,
      maxUnreviewed: MAX_UNREVIEWED,
      skippedGroups: ['ops'],
      terms: termsOf(words),
    };
  }

  mayReviewBreakGlass(reviewer: string): boolean {
    this.#refuseToAnswer();
    return this.groupsNow(reviewer).includes('sec');
  }

  /** Ends all absences and bans, and the failure of the approver. */
  heal(): void {
    this.failing = false;
    this.away.clear();
    this.banned.clear();
  }

  /** The verdict that it would give now, for the laws to compare with. */
  groupsNow(reviewer: string): readonly string[] {
    return this.away.has(reviewer) ? [] : (GROUPS[reviewer] ?? []);
  }

  #refuseToAnswer(): void {
    if (this.failing) throw new Error('LDAP is down');
  }
}

const wordsOf = ({ justification = '' }: AccessRequest): readonly string[] => justification.split(' ');

const termsOf = (words: readonly string[]) => ({
  idleTtlMs: words.includes('idle') ? IDLE_TTL : undefined,
  maxUses: words.includes('uses') ? MAX_USES : undefined,
  warnBeforeMs: words.includes('warn') ? WARN_BEFORE : undefined,
  maxTotalMs: words.includes('short') ? SHORT_TOTAL : undefined,
});
