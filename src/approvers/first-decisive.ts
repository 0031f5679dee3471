import { decidesAtOnce, promising } from '../core/decides-at-once.js';
import { invalid, isId, plainCopy } from '../core/parse.js';
import type { MaybePromise } from '../core/ports.js';
import { isThenable } from '../core/thenable.js';
import type {
  Approver,
  ApproverContext,
  Abstention,
  AskableApprover,
  BreakGlassVerdict,
  Ineligibility,
  RequestableContext,
  Verdict,
  VerdictSource,
} from '../core/approver-port.js';
import type { AccessRequest } from '../records/index.js';
import { groupsOfAll } from './chain-groups.js';
import { combineRequestable } from './chain-requestable.js';
import { ABSTAINS } from './reviewers.js';

/** The members of each chain. */
const chains = new WeakMap<Approver, readonly Approver[]>();

/**
 * Makes a chain of approvers. It asks them in order, and the first that does not abstain decides. The request keeps the name of
 * that member. Afterwards the engine asks only this member about groups and eligibility. If all members abstain, the request is
 * denied.
 *
 * - Creation: one member suffices that answers "eligible" or has no `isEligible`.
 * - Approval and start: a denial by a member before the decider refuses the access, even if the decider agrees.
 * - An earlier member that abstains with `endBy` would deny from then on. So the access ends by then.
 * - Break-glass: the chain calls `breakGlass` of each member, or `decide` of a member without it. The first answer other than
 *   `abstain` counts.
 *
 * For approval, start and break-glass the chain asks its members in parallel, so that all answer within one
 * `limits.approverTimeout`. It does the same to list what may be asked for: an item applies if no earlier member has one, and
 * nothing may be asked for that an earlier member denies.
 *
 * Gotcha: a member that fails refuses the access, in an emergency too. Give a member that depends on an external system
 * `breakGlass: () => ({ outcome: 'abstain' })`, or put it after the policy.
 *
 * @throws InvalidArgumentError when two members have the same name: a request finds its approver by that name
 */
export function firstDecisive(...approvers: readonly Approver[]): AskableApprover {
  const members = readMembers(approvers);
  const deciderOf = ({ approver }: AccessRequest) => (approver === undefined ? undefined : memberFor(members, approver));
  // A member that does not decide at once might be asked.
  const atOnce = (request: AccessRequest, context?: ApproverContext) =>
    members.every((member) => decidesAtOnce(member, request, context as ApproverContext));
  const chain = {
    name: 'first-decisive',
    // A request on which all members abstained has the chain's own name.
    answersFor: (name: string) => name === 'first-decisive' || memberFor(members, name) !== undefined,
    fits(engine: Pick<ApproverContext, 'scopes' | 'canonicalId'>) {
      for (const member of members) member.fits?.(engine);
    },
    // Without a promise if no member that was asked returned one.
    decide: members.every((member) => 'decidesAtOnce' in member)
      ? (request: AccessRequest, context: ApproverContext) => firstVerdict(members, request, context)
      : async (request: AccessRequest, context: ApproverContext) => firstVerdict(members, request, context),
    // A member without `groupsOf` has no reviewers. An `undefined` answer is a failure: the engine receives it unchanged.
    groupsOf(reviewer: string, request: AccessRequest, context: ApproverContext) {
      const decider = deciderOf(request);
      return decider?.groupsOf === undefined ? [] : decider.groupsOf(reviewer, request, context);
    },
    groupsOfAll: (reviewer: string, requests: readonly AccessRequest[], context: ApproverContext) =>
      groupsOfAll(deciderOf, reviewer, requests, context),
    membersOf: (request: AccessRequest, context: ApproverContext) => deciderOf(request)?.membersOf?.(request, context),
    breakGlass: (request: AccessRequest, context: ApproverContext) => firstBreakGlassVerdict(members, request, context),
    mayReviewBreakGlass(reviewer: string, request: AccessRequest, context: ApproverContext) {
      const decider = deciderOf(request);
      return decider?.mayReviewBreakGlass === undefined ? false : decider.mayReviewBreakGlass(reviewer, request, context);
    },
    async isEligible(
      request: AccessRequest,
      when: 'creation' | 'approval' | 'start',
      context: ApproverContext,
    ): Promise<boolean | Ineligibility> {
      if (when === 'creation') return isEligibleForAny(members, request, context);
      const decider = deciderOf(request);
      // The approver that decided is no longer in the chain, so no member can confirm the eligibility.
      if (decider === undefined) return false;
      const [own] = together([decider], (member) => isEligible(member, request, when, context));
      const denial = await denialBefore(decider, members, request, context);
      return denial ?? (own as Promise<boolean | Ineligibility>);
    },
    requestable(subject: string, context?: RequestableContext) {
      const ask = async (member: Approver) => member.requestable?.(subject, context as RequestableContext);
      const answers = together(members, ask);
      return combineRequestable(
        members.map((member, i) => ({ answer: answers[i] as ReturnType<typeof ask>, named: (item) => inItsName(members, item, member) })),
        context?.scopes,
      );
    },
  } satisfies Approver;
  chains.set(chain, members);
  return promising(chain as AskableApprover, atOnce);
}

/** Flattens a chain in a chain, so that a request finds the member that decided it. */
function readMembers(approvers: readonly Approver[]): readonly Approver[] {
  const members = approvers.flatMap((approver) => chains.get(approver) ?? approver);
  if (members.length === 0 || !members.every(isApprover))
    throw invalid('members', 'one or more approvers: objects with name and decide', members);
  const names = members.map(({ name }) => name);
  if (new Set(names).size < members.length) throw invalid('members', 'approvers with different names', names.join(', '));
  return members;
}

/** The member with that name, or the member that answers for the name: a member may consist of other approvers. */
const memberFor = (members: readonly Approver[], name: string): Approver | undefined =>
  members.find((member) => member.name === name) ?? members.find((member) => answersFor(member, name));

/** The verdict with the approver name by which the request later finds the member. */
function inItsName<V extends VerdictSource>(members: readonly Approver[], verdict: V, member: Approver): V {
  const { approver } = verdict;
  return { ...verdict, approver: approver !== undefined && memberFor(members, approver) === member ? approver : member.name };
}

/** @param from the number of the first member to ask; `endBy`: the earliest end of the abstentions before it */
function firstVerdict(
  members: readonly Approver[],
  request: AccessRequest,
  context: ApproverContext,
  from = 0,
  endBy = Infinity,
): MaybePromise<Verdict> {
  const member = members[from];
  if (member === undefined) return abstaining(endBy);
  const next = (answer: Verdict): MaybePromise<Verdict> => {
    const verdict = plainCopy('verdict', answer);
    if (verdict.outcome !== 'abstain') return inItsName(members, endingBy(verdict, endBy), member);
    return firstVerdict(members, request, context, from + 1, earlier(endBy, verdict));
  };
  const answer = member.decide(request, context);
  return isThenable(answer) ? Promise.resolve(answer).then(next) : next(answer);
}

/** The earliest end of several abstentions. A malformed end stays malformed, so that the engine refuses the verdict (L30). */
const earlier = (endBy: number, { endBy: own }: Abstention): number => (own === undefined ? endBy : Math.min(endBy, own));

/** @param endBy `Infinity`: none */
const abstaining = (endBy: number): Abstention => (endBy === Infinity ? ABSTAINS : { ...ABSTAINS, endBy });

/** A verdict whose access ends by the instant from which an earlier member would deny. Malformed terms stay, for the engine to refuse. */
function endingBy<V extends Verdict | BreakGlassVerdict>(verdict: V, endBy: number): V {
  if (endBy === Infinity || verdict.outcome === 'deny' || verdict.outcome === 'abstain') return verdict;
  const { terms = {} } = verdict;
  if (typeof terms !== 'object' || terms === null || Array.isArray(terms)) return verdict;
  return { ...verdict, terms: { ...terms, endBy: terms.endBy === undefined ? endBy : Math.min(endBy, terms.endBy) } };
}

async function firstBreakGlassVerdict(
  members: readonly Approver[],
  request: AccessRequest,
  context: ApproverContext,
): Promise<BreakGlassVerdict> {
  // Asks no member after the last one with `breakGlass`: no later member can approve, so a denial there changes nothing.
  const asked = members.slice(0, members.findLastIndex((member) => member.breakGlass !== undefined) + 1);
  const answers = together(asked, (member) => toBreakGlass(member, request, context));
  let endBy = Infinity;
  for (const [i, member] of asked.entries()) {
    // A failure rejects, and no later member counts: the failed member may have denied all access (L30).
    const verdict = await (answers[i] as Promise<BreakGlassVerdict>);
    if (verdict.outcome !== 'abstain') return inItsName(members, endingBy(verdict, endBy), member);
    endBy = earlier(endBy, verdict);
  }
  return abstaining(endBy);
}

/**
 * At creation one yes suffices. Otherwise it rejects with a failure, if any. Otherwise it returns the first answer that lists values
 * to correct, because these would turn it into a yes, and without one the last reason that a member gave.
 */
async function isEligibleForAny(
  members: readonly Approver[],
  request: AccessRequest,
  context: ApproverContext,
): Promise<boolean | Ineligibility> {
  let failure: { readonly error: unknown } | undefined;
  let ineligible: false | Ineligibility = false;
  let correctable: Ineligibility | undefined;
  for (const member of members) {
    try {
      const answer = await isEligible(member, request, 'creation', context);
      if (answer === true) return true;
      if (answer === false) continue;
      ineligible = answer;
      if (hasProblems(answer)) correctable ??= answer;
    } catch (error) {
      failure = { error };
    }
  }
  if (failure !== undefined) throw failure.error;
  return correctable ?? ineligible;
}

/** Also true for malformed problems: the engine refuses the whole answer. */
const hasProblems = ({ problems }: Ineligibility): boolean =>
  problems !== undefined && (problems as readonly unknown[] | null)?.length !== 0;

const OUTCOMES: ReadonlySet<unknown> = new Set<Verdict['outcome']>(['approve', 'deny', 'review', 'abstain']);

/**
 * Asks several members in parallel, so that all answer within one `limits.approverTimeout`. The caller may return before it reads
 * every answer, so a rejection must not count as unhandled.
 */
function together<T>(members: readonly Approver[], ask: (member: Approver) => Promise<T>): readonly Promise<T>[] {
  const answers = members.map(ask);
  for (const answer of answers) answer.catch(() => undefined);
  return answers;
}

/** A member's verdict on break-glass. A member without `breakGlass` cannot approve it, but a denial by its `decide` counts (H8). */
async function toBreakGlass(member: Approver, request: AccessRequest, context: ApproverContext): Promise<BreakGlassVerdict> {
  // `plainCopy` throws for an `undefined` answer: that is a failure.
  if (member.breakGlass !== undefined) return plainCopy('verdict', await member.breakGlass(request, context));
  const verdict = await decisionOf(member, request, context);
  if (verdict.outcome === 'deny') return verdict;
  return verdict.outcome === 'abstain' ? abstaining(earlier(Infinity, verdict)) : ABSTAINS;
}

/** A denial by a member before the decider: the request must still pass the members that were asked first. */
async function denialBefore(
  decider: Approver,
  members: readonly Approver[],
  request: AccessRequest,
  context: ApproverContext,
): Promise<Ineligibility | undefined> {
  const before = members.slice(0, members.indexOf(decider));
  for (const answer of together(before, (member) => decisionOf(member, request, context))) {
    const verdict = await answer;
    if (verdict.outcome === 'deny') return { eligible: false, reason: verdict.reason };
  }
  return undefined;
}

/** A member's verdict, of which only a denial, or the end of an abstention, counts. */
async function decisionOf(member: Approver, request: AccessRequest, context: ApproverContext): Promise<Verdict> {
  const verdict = plainCopy('verdict', await member.decide(request, context));
  // A malformed verdict throws: it may have been meant as a denial.
  if (!OUTCOMES.has(verdict.outcome)) throw new TypeError(`decide of ${member.name} must return a verdict`);
  return verdict;
}

const isApprover = (member: unknown): boolean =>
  typeof (member as Approver | null | undefined)?.decide === 'function' && isId((member as Approver).name);

/** A member without the method does not answer for the name. An answer that is no boolean is a failure. */
function answersFor(member: Approver, name: string): boolean {
  const answer: unknown = member.answersFor === undefined ? false : member.answersFor(name);
  if (typeof answer !== 'boolean') throw new TypeError(`answersFor of ${member.name} must return true or false`);
  return answer;
}

/** A member without the method agrees. A malformed answer is a failure. */
async function isEligible(
  member: Approver,
  request: AccessRequest,
  when: 'creation' | 'approval' | 'start',
  context: ApproverContext,
): Promise<boolean | Ineligibility> {
  const answer: unknown = member.isEligible === undefined ? true : await member.isEligible(request, when, context);
  if (typeof answer === 'boolean') return answer;
  const isNo = typeof answer === 'object' && answer !== null && (answer as Partial<Ineligibility>).eligible === false;
  if (!isNo) throw new TypeError(`isEligible of ${member.name} must return true, false, or { eligible: false, reason }`);
  return answer as Ineligibility;
}
