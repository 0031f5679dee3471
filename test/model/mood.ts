import {
  runSubject,
  type AccessRequest,
  type AgentRun,
  type Approver,
  type BreakGlassVerdict,
  type MaybePromise,
  type QuorumInput,
  type Verdict,
} from '../../src/index.js';
import { definePolicy } from '../../src/policy.js';

/** Milliseconds, so short that a few steps cross each of them. */
export const REVIEW_WITHIN = 60;
export const APPROVAL_TTL = 25;
export const ESCALATE_AFTER = 20;
export const SIGNED_IN_WITHIN = 15;
export const STRONG = 'strong';
const IDLE = 20;
const SHORT_TOTAL = 60;
/** Times of worlds with a wrong clock: so long that its lead does not end everything. */
const HOUR = 3_600_000;
export const LONG = { ttl: 8 * HOUR, total: 12 * HOUR, waits: [60_000, 60_001, 10 * 60_000, 2.5 * HOUR] } as const;
export const OWED_WITHIN = 40;
/** The shortest interval of reminders: far longer than the other times, so a quorum with reminders has a time to review of its own. */
export const REMIND_EVERY = 300_000;
const MAX_USES = 2;
/** The rule that lets {@link MAX_HOLDERS} subjects hold its access at a time. It gives every scope. */
export const FEW = 'few';
export const MAX_HOLDERS = 1;
/** How long after the asked window the hours of a rule end: a decision that is later than this gives less than was asked. */
const SLACK = 12;

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
/** Sam and maya are in groups too: neither counts for their own requests. */
export const REVIEWERS = ['user:ana', 'user:lee', 'user:ana', 'user:lee', 'user:noor', SAM, MAYA, 'user:eve'];

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'user:ana': ['ops', 'sec'],
  'user:lee': ['ops'],
  'user:noor': ['lead'],
  [SAM]: ['ops', 'sec'],
  [MAYA]: ['ops', 'sec'],
};

export interface StepOf {
  readonly groups: readonly { readonly name: string; readonly approvals: number; readonly denials?: number }[];
  /** Whether `lead` may stand in, {@link ESCALATE_AFTER} after the step has begun. */
  readonly escalates?: boolean;
}

export interface QuorumOf {
  /** The form in which the approver names it: groups or steps for a single alternative. */
  readonly form: 'groups' | 'steps' | 'anyOf';
  readonly alternatives: readonly { readonly steps: readonly StepOf[]; readonly denials?: number }[];
  readonly denials: number;
  readonly approvalTtlMs: number | undefined;
  readonly reviewWithinMs: number | undefined;
  /** Whether reviewers must have signed in strongly, within the last {@link SIGNED_IN_WITHIN}. */
  readonly isStrong?: boolean;
  readonly remindEveryMs?: number;
}

/** A quorum of one alternative of one step. */
const plain = (step: StepOf, rest: Omit<QuorumOf, 'form' | 'alternatives'>): QuorumOf => ({
  form: 'groups',
  alternatives: [{ steps: [step] }],
  ...rest,
});

const QUORUMS: Readonly<Record<string, QuorumOf>> = {
  solo: plain({ groups: [{ name: 'ops', approvals: 1 }] }, { denials: 1, approvalTtlMs: undefined, reviewWithinMs: undefined }),
  two: plain({ groups: [{ name: 'ops', approvals: 2 }] }, { denials: 1, approvalTtlMs: APPROVAL_TTL, reviewWithinMs: 30 }),
  both: plain(
    {
      groups: [
        { name: 'ops', approvals: 1 },
        { name: 'sec', approvals: 1, denials: 1 },
      ],
      escalates: true,
    },
    { denials: 2, approvalTtlMs: APPROVAL_TTL, reviewWithinMs: REVIEW_WITHIN, isStrong: true },
  ),
  // Its deadline falls on a multiple of the interval, at which there is no reminder.
  patient: plain(
    {
      groups: [
        { name: 'ops', approvals: 1 },
        { name: 'sec', approvals: 1 },
      ],
      escalates: true,
    },
    { denials: 2, approvalTtlMs: undefined, reviewWithinMs: 4 * REMIND_EVERY, remindEveryMs: REMIND_EVERY },
  ),
  steps: {
    form: 'steps',
    alternatives: [
      {
        steps: [
          { groups: [{ name: 'ops', approvals: 1 }], escalates: true },
          { groups: [{ name: 'sec', approvals: 1 }], escalates: true },
        ],
      },
    ],
    ...{ denials: 2, approvalTtlMs: APPROVAL_TTL, reviewWithinMs: REVIEW_WITHIN },
  },
  long: plain({ groups: [{ name: 'ops', approvals: 2 }] }, { denials: 2, approvalTtlMs: HOUR, reviewWithinMs: 24 * HOUR }),
  either: {
    form: 'anyOf',
    alternatives: [
      { steps: [{ groups: [{ name: 'ops', approvals: 2 }] }] },
      { steps: [{ groups: [{ name: 'ops', approvals: 1 }] }, { groups: [{ name: 'lead', approvals: 1 }] }] },
      { steps: [{ groups: [{ name: 'sec', approvals: 2 }], escalates: true }], denials: 1 },
    ],
    ...{ denials: 2, approvalTtlMs: undefined, reviewWithinMs: undefined },
  },
};

/** The quorum as the approver names it. */
function inputOf({ form, alternatives, denials, approvalTtlMs, reviewWithinMs, isStrong = false, remindEveryMs }: QuorumOf): QuorumInput {
  const escalation = ({ escalates }: StepOf) => (escalates === true ? { group: 'lead', afterMs: ESCALATE_AFTER } : undefined);
  const stepsOf = (steps: readonly StepOf[]) => steps.map((step) => ({ groups: step.groups, escalation: escalation(step) }));
  const assurance = isStrong ? { acr: [STRONG], maxAgeMs: SIGNED_IN_WITHIN } : undefined;
  const rest = { denials, approvalTtlMs, reviewWithinMs, assurance, remindEveryMs };
  const { steps } = alternatives[0] as QuorumOf['alternatives'][number];
  if (form === 'groups') return { ...stepsOf(steps)[0], ...rest };
  if (form === 'steps') return { steps: stepsOf(steps), ...rest };
  return { anyOf: alternatives.map((one) => ({ steps: stepsOf(one.steps), denials: one.denials })), ...rest };
}

export const VERDICTS = [
  ...['approve', 'approve', 'approve', 'approve', 'solo', 'two', 'two', 'both', 'both', 'steps', 'steps', 'either', 'either'],
  ...['deny', 'abstain'],
];

/** The words of a justification that the approver understands; the same for the engine, which asks, and for the model. */
export function saysTo(why: string) {
  const words = why.split(' ');
  return {
    verdict: words[0] as string,
    quorum: QUORUMS[words[0] as string],
    idleTtlMs: words.includes('idle') ? IDLE : words.includes('rare') ? 4 * HOUR : undefined,
    maxUses: words.includes('uses') ? MAX_USES : undefined,
    maxTotalMs: words.includes('short') ? SHORT_TOTAL : undefined,
    isFrozen: words.includes('frozen'),
    hasHours: words.includes('hours'),
    isFew: words.includes(FEW),
  };
}

/** The `endBy` of a rule with hours, by the start of the asked window and its length. */
export const endByOf = (start: number, ttlMs: number): number => start + ttlMs + SLACK;

function termsOf({ justification = '', extension, startsAt, createdAt, ttlMs, scopes }: AccessRequest) {
  const { idleTtlMs, maxUses, maxTotalMs, hasHours, isFew } = saysTo(justification);
  const endBy = hasHours ? endByOf(extension?.from ?? startsAt ?? createdAt, ttlMs) : undefined;
  return { idleTtlMs, maxUses, maxTotalMs, endBy, maxHolders: isFew ? [{ rule: FEW, max: MAX_HOLDERS, scopes }] : undefined };
}

/** Comes before the approver in its chain. It decides one thing only: a frozen scope is denied, also by break-glass. */
export const FREEZE: Approver = {
  name: 'freeze',
  decide: ({ justification = '' }) => (saysTo(justification).isFrozen ? { outcome: 'deny', reason: 'frozen' } : { outcome: 'abstain' }),
  decidesAtOnce: () => true,
  isEligible: (_, when) => when !== 'creation',
};

/** The scopes that agents are denied, in worlds with the rule. */
export const DENIED_SCOPE = 'b:x';
const AGENT_RULE = definePolicy({ rules: [{ id: 'no-agents', subjects: [AGENT], scopes: [DENIED_SCOPE], deny: 'not for agents' }] });

/** How long before the end the rules of the approver warn, and the engine if a rule sets nothing. */
export const WARN_BEFORE = [95, 80, 55, 28, 10];
export const ENGINE_WARN_BEFORE = [95, 55, 25];

/** A deny rule for an agent, which reaches its runs (L43), also by break-glass. */
export const NO_AGENTS: Approver = {
  name: 'no-agents',
  decide: (request, context) => AGENT_RULE.decide(request, context),
  decidesAtOnce: (request) => AGENT_RULE.decidesAtOnce?.(request) === true,
  isEligible: (_, when) => when !== 'creation',
};

/** The approver and the people: a person who is away is in no group, a banned one is not eligible. It fails, or gives no verdict, on command. */
export class Mood implements Approver {
  readonly name = 'mood';
  /** How often it was asked for a decision. */
  asked = 0;
  isFailing = false;
  isMute = false;
  readonly away = new Set<string>();
  readonly banned = new Set<string>();

  /** @param isPrompt whether it declares that it decides at once. Otherwise it answers by a promise. */
  constructor(readonly isPrompt: boolean) {}

  decidesAtOnce(): boolean {
    return this.isPrompt;
  }

  decide(request: AccessRequest): MaybePromise<Verdict> {
    this.asked += 1;
    if (this.isFailing || this.isMute) throw new Error('LDAP is down');
    const verdict = this.#verdict(request);
    return this.isPrompt ? verdict : Promise.resolve(verdict);
  }

  #verdict(request: AccessRequest): Verdict {
    const { verdict, quorum } = saysTo(request.justification ?? '');
    const terms = { ...termsOf(request), warnBeforeMs: WARN_BEFORE };
    if (verdict === 'approve') return { outcome: 'approve', terms };
    if (verdict === 'deny') return { outcome: 'deny', reason: 'no' };
    if (quorum === undefined) return { outcome: 'abstain' };
    return { outcome: 'review', terms, quorum: inputOf(quorum) };
  }

  groupsOf(reviewer: string): readonly string[] {
    if (this.isFailing) throw new Error('LDAP is down');
    return this.groups(reviewer);
  }

  isEligible({ subject }: AccessRequest): boolean {
    if (this.isFailing) throw new Error('LDAP is down');
    return !this.banned.has(subject);
  }

  breakGlass(request: AccessRequest): BreakGlassVerdict {
    if (this.isFailing) throw new Error('LDAP is down');
    const { verdict } = saysTo(request.justification ?? '');
    if (verdict === 'deny') return { outcome: 'deny', reason: 'no emergency' };
    return { outcome: 'approve', reviewWithinMs: OWED_WITHIN, terms: termsOf(request) };
  }

  mayReviewBreakGlass(reviewer: string): boolean {
    if (this.isFailing) throw new Error('LDAP is down');
    return this.groups(reviewer).includes('sec');
  }

  /** The verdict that it would give, for the model. */
  groups(reviewer: string): readonly string[] {
    return this.away.has(reviewer) ? [] : (GROUPS[reviewer] ?? []);
  }

  heal(): void {
    this.isFailing = this.isMute = false;
    this.away.clear();
    this.banned.clear();
  }
}
