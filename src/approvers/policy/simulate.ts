import type { QuorumInput, TermsInput } from '../../core/ports.js';
import type { AccessRequest, AuditEntry } from '../../records/index.js';
import { nextTurn } from '../../core/time.js';
import { pastRequests, type PastOutcome, type PastRequest } from './past.js';
import type { Policy } from './types.js';

/** How many requests are asked about before the event loop takes a turn: a large policy takes a millisecond for each. */
const REQUESTS_A_TURN = 32;

/** A request of the past to which a policy would now say something else. */
export interface Difference {
  readonly requestId: string;
  readonly subject: string;
  readonly requestedBy: string;
  readonly scopes: readonly string[];
  /** When it was asked. Epoch milliseconds. */
  readonly at: number;
  readonly breakGlass: boolean;
  readonly was: PastOutcome;
  readonly would: PastOutcome;
}

/**
 * Asks a policy about the requests of a journal, and lists those to which it would say something else: another outcome,
 * another reason, another quorum, another time to review, other terms. Nothing is stored, nothing decided.
 *
 * Gotcha: groups of code answer as of now. Metadata is not in the journal, so such a group sees none. Asks that were
 * refused without a request are not in it either, so what a change would newly allow doesn't show.
 *
 * @param entries from the beginning of the journal on: `readJournal(store)`, or what `readJsonLines` gives
 * @returns in the order in which they were asked; requests to which nothing had been said yet are left out
 * @throws CorruptError; whatever a group of code throws
 */
export async function simulate(policy: Policy, entries: Iterable<AuditEntry> | AsyncIterable<AuditEntry>): Promise<readonly Difference[]> {
  const differences: Difference[] = [];
  for (const [i, past] of (await pastRequests(entries)).entries()) {
    // A policy answers at once, and nothing else would run until the last request is asked about.
    if (i % REQUESTS_A_TURN === REQUESTS_A_TURN - 1) await nextTurn();
    if (past.was === undefined) continue;
    const would = await askAgain(policy, past);
    if (isSame(past.was, would)) continue;
    const { id: requestId, subject, requestedBy, scopes, createdAt: at } = past.request;
    differences.push(
      Object.freeze({ requestId, subject, requestedBy, scopes, at, breakGlass: past.isBreakGlass, was: Object.freeze(past.was), would }),
    );
  }
  return Object.freeze(differences);
}

const NOTHING = { rule: undefined, reason: undefined, quorum: undefined, reviewBy: undefined, reviewers: undefined, terms: undefined };

async function askAgain(policy: Policy, past: PastRequest): Promise<PastOutcome> {
  if (!past.isBreakGlass) return askOrdinary(policy, past);
  const said = await policy.breakGlass?.(past.request);
  if (said === undefined || said.outcome === 'abstain')
    return { ...NOTHING, outcome: 'ineligible', reason: 'no rule allows break-glass for this request' };
  const { outcome, rule } = said;
  if (outcome === 'deny') return { ...NOTHING, outcome, rule, reason: said.reason };
  const { reviewers = [], reviewWithinMs, terms } = said;
  return { ...NOTHING, outcome, rule, reviewBy: past.answeredAt + reviewWithinMs, reviewers, terms };
}

async function askOrdinary(policy: Policy, { request, answeredAt }: PastRequest): Promise<PastOutcome> {
  const eligible = await policy.isEligible?.(request, 'creation');
  if (eligible === false) return { ...NOTHING, outcome: 'ineligible' };
  if (typeof eligible === 'object') return { ...NOTHING, outcome: 'ineligible', reason: eligible.reason };
  const said = await policy.decide(request);
  if (said.outcome === 'abstain') return { ...NOTHING, outcome: 'abstain' };
  const { outcome, rule } = said;
  if (outcome === 'deny') return { ...NOTHING, outcome, rule, reason: said.reason };
  const { terms } = said;
  if (outcome === 'approve') return { ...NOTHING, outcome, rule, terms };
  const { quorum } = said;
  return { ...NOTHING, outcome, rule, terms, quorum, reviewBy: deadlineOf(request, answeredAt, quorum, terms) };
}

/** As the engine sets it: never after the last instant at which a decision would give anything. */
function deadlineOf(
  { reviewBy, startsAt, ttlMs, extension }: AccessRequest,
  answeredAt: number,
  { reviewWithinMs }: QuorumInput,
  terms: TermsInput | undefined,
): number {
  const within = reviewWithinMs === undefined ? reviewBy : answeredAt + reviewWithinMs;
  if (extension !== undefined) return Math.min(within, extension.until, extension.firstStartsAt + (terms?.maxTotalMs ?? Infinity));
  return startsAt === undefined ? within : Math.min(within, startsAt + ttlMs);
}

/** By what it means for whoever asked: the name of the rule is no difference, and that nobody had an opinion is a refusal. */
function isSame(a: PastOutcome, b: PastOutcome): boolean {
  const refused = (one: PastOutcome) => one.outcome === 'abstain' || one.outcome === 'ineligible';
  if (refused(a) && refused(b)) return true;
  return JSON.stringify(meaning(a)) === JSON.stringify(meaning(b));
}

const meaning = ({ outcome, reason, quorum, reviewBy, reviewers, terms }: PastOutcome): unknown => [
  outcome,
  outcome === 'deny' ? reason : undefined,
  quorum && quorumInOrder(quorum),
  reviewBy,
  reviewers?.toSorted(),
  [terms?.warnBeforeMs, terms?.idleTtlMs, terms?.maxUses, terms?.maxTotalMs],
];

function quorumInOrder({ groups, denials = 1, approvalTtlMs, escalation }: QuorumInput): unknown {
  const inOrder = groups.map(({ name, approvals }) => [name, approvals] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  return [inOrder, denials, approvalTtlMs, escalation?.group, escalation?.afterMs];
}
