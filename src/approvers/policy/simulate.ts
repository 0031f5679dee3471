import type { QuorumInput, QuorumStepInput, TermsInput } from '../../core/approver-port.js';
import type { AccessRequest, AuditEntry } from '../../records/index.js';
import { nextTurn } from '../../core/turns.js';
import { pastRequests, type PastOutcome, type PastRequest } from './recorded-requests.js';
import type { Policy } from './types.js';

/** How many requests are asked about before the loop yields to the event loop: a large policy takes a millisecond for each. */
const REQUESTS_A_TURN = 32;

/** A past request that a policy would now answer otherwise. */
export interface Difference {
  /** The past request. */
  readonly requestId: string;
  /** The subject of the request. */
  readonly subject: string;
  /** The caller that asked. */
  readonly requestedBy: string;
  /** The scopes of the request. */
  readonly scopes: readonly string[];
  /** When the request was created. Epoch milliseconds. */
  readonly at: number;
  /** Whether the request was for break-glass access. */
  readonly breakGlass: boolean;
  /** The recorded answer. */
  readonly was: PastOutcome;
  /** The answer of the policy now. */
  readonly would: PastOutcome;
}

/**
 * Asks a policy about the requests of a journal, and lists those with a different answer. An answer is different if its outcome,
 * reason, quorum, time to review, reviewers or terms differ. Reminders do not count. It stores and decides nothing.
 *
 * Gotcha: live groups answer for the present. The journal has no metadata, so live groups see none, and `require.fields` is not judged.
 * The journal also has no asks
 * that were refused without a request. So the result does not show access that the new policy would newly allow.
 *
 * @param entries the journal from its start: `readJournal(store)`, or the result of `readJsonLines`
 * @returns the differences in the order of the requests. It skips requests that no approver had answered
 * @throws CorruptError
 * @throws the errors of live groups
 */
export async function simulate(policy: Policy, entries: Iterable<AuditEntry> | AsyncIterable<AuditEntry>): Promise<readonly Difference[]> {
  const differences: Difference[] = [];
  for (const [i, past] of (await pastRequests(entries)).entries()) {
    // A policy answers at once, so without this turn no other work would run before the last request.
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

/** The review deadline as an engine with the default `limits.minTtl` sets it: never after the last decision that gives access. */
function deadlineOf(
  { reviewBy, startsAt, ttlMs, until = Infinity, extension }: AccessRequest,
  answeredAt: number,
  { reviewWithinMs }: QuorumInput,
  terms: TermsInput | undefined,
): number {
  const wanted = reviewWithinMs === undefined ? reviewBy : answeredAt + reviewWithinMs;
  const within = Math.min(wanted, until - MIN_TTL_MS, terms?.endBy ?? Infinity);
  if (extension !== undefined) return Math.min(within, extension.until, extension.firstStartsAt + (terms?.maxTotalMs ?? Infinity));
  return startsAt === undefined ? within : Math.min(within, startsAt + ttlMs);
}

/** The engine's default `limits.minTtl`. */
const MIN_TTL_MS = 1_000;

/** Compares the effect on the requester: the rule's name does not count, and `abstain` equals `ineligible`. */
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
  [terms?.warnBeforeMs, terms?.idleTtlMs, terms?.maxUses, terms?.maxTotalMs, terms?.endBy, terms?.maxHolders],
];

/** The order of groups, escalations and alternatives has no meaning. That of steps has. */
function quorumInOrder({ groups, steps, anyOf, denials = 1, approvalTtlMs, escalation, assurance }: QuorumInput): unknown {
  const stepInOrder = (step: QuorumStepInput) => [
    inOrder(step.groups.map((group) => [group.name, group.approvals, group.denials])),
    inOrder([step.escalation ?? []].flat().map(({ group, afterMs }) => [group, afterMs])),
  ];
  const alternatives = (anyOf ?? [{ groups, steps, denials: undefined }]).map((one) => [
    one.denials,
    (one.steps ?? [{ groups: one.groups ?? [], escalation }]).map(stepInOrder),
  ]);
  return [inOrder(alternatives), denials, approvalTtlMs, assurance && [inOrder(assurance.acr ?? []), assurance.maxAgeMs]];
}

const inOrder = (items: readonly unknown[]): readonly string[] => items.map((item) => JSON.stringify(item)).sort();
