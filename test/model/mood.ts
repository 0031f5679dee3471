import { runSubject, type AccessRequest, type AgentRun, type Approver, type BreakGlassVerdict, type Verdict } from '../../src/index.js';
import { definePolicy } from '../../src/policy.js';

/** Milliseconds, so short that a handful of steps crosses each of them. */
export const REVIEW_WITHIN = 60;
export const APPROVAL_TTL = 25;
export const ESCALATE_AFTER = 20;
const IDLE = 20;
const SHORT_TOTAL = 60;
export const OWED_WITHIN = 40;
const MAX_USES = 2;

const MAYA = 'user:maya';
const SAM = 'user:sam';
export const AGENT = 'agent:7';
export const SUBJECTS = [MAYA, SAM];
/** Two runs of one agent, by their subjects: one for each of two operators (L43). */
export const RUNS: ReadonlyMap<string, AgentRun> = new Map(
  [
    { agent: AGENT, operator: MAYA },
    { agent: AGENT, operator: SAM },
  ].map((run) => [runSubject(run), run]),
);
/** The agent itself, and its runs. */
export const AGENTS: readonly string[] = [AGENT, ...RUNS.keys()];
/** Sam and maya are in groups, too: neither counts for what is theirs. */
export const REVIEWERS = ['user:ana', 'user:lee', 'user:ana', 'user:lee', 'user:noor', SAM, MAYA, 'user:eve'];

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'user:ana': ['ops', 'sec'],
  'user:lee': ['ops'],
  'user:noor': ['lead'],
  [SAM]: ['ops', 'sec'],
  [MAYA]: ['ops', 'sec'],
};

export interface QuorumOf {
  readonly groups: readonly { readonly name: string; readonly approvals: number }[];
  readonly denials: number;
  readonly approvalTtlMs: number | undefined;
  readonly escalates: boolean;
  readonly reviewWithinMs: number | undefined;
}

const QUORUMS: Readonly<Record<string, QuorumOf>> = {
  solo: { groups: [{ name: 'ops', approvals: 1 }], denials: 1, approvalTtlMs: undefined, escalates: false, reviewWithinMs: undefined },
  two: { groups: [{ name: 'ops', approvals: 2 }], denials: 1, approvalTtlMs: APPROVAL_TTL, escalates: false, reviewWithinMs: 30 },
  both: {
    groups: [
      { name: 'ops', approvals: 1 },
      { name: 'sec', approvals: 1 },
    ],
    denials: 2,
    approvalTtlMs: APPROVAL_TTL,
    escalates: true,
    reviewWithinMs: REVIEW_WITHIN,
  },
};

export const VERDICTS = ['approve', 'approve', 'approve', 'approve', 'solo', 'two', 'two', 'both', 'both', 'deny', 'abstain'];

/** What the approver says to a justification, word by word; the same for the engine, which asks, and for the model, which knows. */
export function saysTo(why: string) {
  const words = why.split(' ');
  return {
    verdict: words[0] as string,
    quorum: QUORUMS[words[0] as string],
    idleTtlMs: words.includes('idle') ? IDLE : undefined,
    maxUses: words.includes('uses') ? MAX_USES : undefined,
    maxTotalMs: words.includes('short') ? SHORT_TOTAL : undefined,
    isFrozen: words.includes('frozen'),
  };
}

/** Stands in front of the approver in its chain. It has an opinion on one thing alone: what is frozen is denied, break-glass too. */
export const FREEZE: Approver = {
  name: 'freeze',
  decide: ({ justification = '' }) => (saysTo(justification).isFrozen ? { outcome: 'deny', reason: 'frozen' } : { outcome: 'abstain' }),
  isEligible: (_, when) => when !== 'creation',
};

/** What agents are denied, in the worlds that have the rule. */
export const DENIED_SCOPE = 'b:x';
const AGENT_RULE = definePolicy({ rules: [{ id: 'no-agents', subjects: [AGENT], scopes: [DENIED_SCOPE], deny: 'not for agents' }] });

/** How long before the end the approver's rules warn, and the engine where a rule says nothing. */
export const WARN_BEFORE = [95, 80, 55, 28, 10];
export const ENGINE_WARN_BEFORE = [95, 55, 25];

/** A deny rule for an agent, which reaches its runs (L43); break-glass, too. */
export const NO_AGENTS: Approver = {
  name: 'no-agents',
  decide: (request, context) => AGENT_RULE.decide(request, context),
  isEligible: (_, when) => when !== 'creation',
};

/** The approver, and the people: who is away is in no group, who is banned is not eligible; it fails, or only gives no verdict, when told to. */
export class Mood implements Approver {
  readonly name = 'mood';
  isFailing = false;
  isMute = false;
  readonly away = new Set<string>();
  readonly banned = new Set<string>();

  decide({ justification = '' }: AccessRequest): Verdict {
    if (this.isFailing || this.isMute) throw new Error('LDAP is down');
    const { verdict, quorum, idleTtlMs, maxUses, maxTotalMs } = saysTo(justification);
    const terms = { idleTtlMs, maxUses, maxTotalMs, warnBeforeMs: WARN_BEFORE };
    if (verdict === 'approve') return { outcome: 'approve', terms };
    if (verdict === 'deny') return { outcome: 'deny', reason: 'no' };
    if (quorum === undefined) return { outcome: 'abstain' };
    const { escalates, ...rest } = quorum;
    return {
      outcome: 'review',
      terms,
      quorum: { ...rest, escalation: escalates ? { group: 'lead', afterMs: ESCALATE_AFTER } : undefined },
    };
  }

  groupsOf(reviewer: string): readonly string[] {
    if (this.isFailing) throw new Error('LDAP is down');
    return this.groups(reviewer);
  }

  isEligible({ subject }: AccessRequest): boolean {
    if (this.isFailing) throw new Error('LDAP is down');
    return !this.banned.has(subject);
  }

  breakGlass({ justification = '' }: AccessRequest): BreakGlassVerdict {
    if (this.isFailing) throw new Error('LDAP is down');
    const { verdict, idleTtlMs, maxUses, maxTotalMs } = saysTo(justification);
    if (verdict === 'deny') return { outcome: 'deny', reason: 'no emergency' };
    return { outcome: 'approve', reviewWithinMs: OWED_WITHIN, terms: { idleTtlMs, maxUses, maxTotalMs } };
  }

  mayReviewBreakGlass(reviewer: string): boolean {
    if (this.isFailing) throw new Error('LDAP is down');
    return this.groups(reviewer).includes('sec');
  }

  /** What it would say, for the model. */
  groups(reviewer: string): readonly string[] {
    return this.away.has(reviewer) ? [] : (GROUPS[reviewer] ?? []);
  }

  heal(): void {
    this.isFailing = this.isMute = false;
    this.away.clear();
    this.banned.clear();
  }
}
