import { invalid, isId, plainCopy } from '../core/parse.js';
import type {
  Approver,
  ApproverContext,
  AskableApprover,
  BreakGlassVerdict,
  Ineligibility,
  Verdict,
  VerdictSource,
} from '../core/ports.js';
import type { AccessRequest } from '../records/index.js';
import { ABSTAINS } from './reviewers.js';

/** The members of each chain. */
const chains = new WeakMap<Approver, readonly Approver[]>();

/**
 * Asks one approver after another; the first that has an opinion decides. The request keeps that one's name, and it
 * alone is asked about groups and eligibility afterwards. A request on which all abstain is denied.
 *
 * At creation one member that says the subject is eligible, or that doesn't ask, suffices. A member in front of the one that
 * decided takes away: what it denies is not approved later, doesn't start, and can't be had by break-glass, for which
 * `breakGlass` is asked of it, or `decide` where it has no such method. Those questions go out together.
 *
 * Gotcha: one that fails refuses, in an emergency too. Give a member that rests on an external system
 * `breakGlass: () => ({ outcome: 'abstain' })`, or put it behind the policy.
 *
 * @throws InvalidArgumentError when two members have the same name: the name is how a request finds its approver again
 */
export function firstDecisive(...approvers: readonly Approver[]): AskableApprover {
  const members = readMembers(approvers);
  const deciderOf = ({ approver }: AccessRequest) => (approver === undefined ? undefined : memberFor(members, approver));
  const chain = Object.freeze({
    name: 'first-decisive',
    // Its own name stands on what all members abstained from.
    answersFor: (name: string) => name === 'first-decisive' || memberFor(members, name) !== undefined,
    fits(engine: Pick<ApproverContext, 'scopes' | 'canonicalId'>) {
      for (const member of members) member.fits?.(engine);
    },
    decide: (request: AccessRequest, context: ApproverContext) => firstVerdict(members, request, context),
    // Not having the question gives nobody a right; answering nothing is a failure, and is passed on as it is.
    groupsOf(reviewer: string, request: AccessRequest, context: ApproverContext) {
      const decider = deciderOf(request);
      return decider?.groupsOf === undefined ? [] : decider.groupsOf(reviewer, request, context);
    },
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
      // An approver that has left the chain can no longer vouch for anybody.
      if (decider === undefined) return false;
      const [own] = together([decider], (member) => isEligible(member, request, when, context));
      const denial = await denialBefore(decider, members, request, context);
      return denial ?? (own as Promise<boolean | Ineligibility>);
    },
  } satisfies Approver) as AskableApprover;
  chains.set(chain, members);
  return chain;
}

/** A chain in a chain is one chain: a request must find the very approver that decided it. */
function readMembers(approvers: readonly Approver[]): readonly Approver[] {
  const members = approvers.flatMap((approver) => chains.get(approver) ?? approver);
  if (members.length === 0 || !members.every(isApprover))
    throw invalid('members', 'one or more approvers: objects with name and decide', members);
  const names = members.map(({ name }) => name);
  if (new Set(names).size < members.length) throw invalid('members', 'approvers with different names', names.join(', '));
  return members;
}

/** The member of that name, or the one that answers for the name: a member may be made of others. */
const memberFor = (members: readonly Approver[], name: string): Approver | undefined =>
  members.find((member) => member.name === name) ?? members.find((member) => answersFor(member, name));

/** The verdict under the name by which its request finds the member again. */
function inItsName<V extends VerdictSource>(members: readonly Approver[], verdict: V, member: Approver): V {
  const { approver } = verdict;
  return { ...verdict, approver: approver !== undefined && memberFor(members, approver) === member ? approver : member.name };
}

async function firstVerdict(members: readonly Approver[], request: AccessRequest, context: ApproverContext): Promise<Verdict> {
  for (const member of members) {
    const verdict = plainCopy('verdict', await member.decide(request, context));
    if (verdict.outcome !== 'abstain') return inItsName(members, verdict, member);
  }
  return ABSTAINS;
}

async function firstBreakGlassVerdict(
  members: readonly Approver[],
  request: AccessRequest,
  context: ApproverContext,
): Promise<BreakGlassVerdict> {
  // A member behind the last that might approve can change nothing.
  const asked = members.slice(0, members.findLastIndex((member) => member.breakGlass !== undefined) + 1);
  const answers = together(asked, (member) => toBreakGlass(member, request, context));
  for (const [i, member] of asked.entries()) {
    // Its failure is passed on, and no member behind it is heard: the answer may have been a freeze (L30).
    const verdict = await (answers[i] as Promise<BreakGlassVerdict>);
    if (verdict.outcome !== 'abstain') return inItsName(members, verdict, member);
  }
  return ABSTAINS;
}

/** One yes suffices at creation. Otherwise a failure is passed on, and the last reason that a member gave. */
async function isEligibleForAny(
  members: readonly Approver[],
  request: AccessRequest,
  context: ApproverContext,
): Promise<boolean | Ineligibility> {
  let failure: { readonly error: unknown } | undefined;
  let ineligible: false | Ineligibility = false;
  for (const member of members) {
    try {
      const answer = await isEligible(member, request, 'creation', context);
      if (answer === true) return true;
      if (answer !== false) ineligible = answer;
    } catch (error) {
      failure = { error };
    }
  }
  if (failure !== undefined) throw failure.error;
  return ineligible;
}

const NO_DENIALS: ReadonlySet<unknown> = new Set<Verdict['outcome']>(['approve', 'review', 'abstain']);

/**
 * Puts a question to several at once, so that all of them answer within the one time that the engine waits. An answer that
 * nobody comes to look at may fail.
 */
function together<T>(members: readonly Approver[], ask: (member: Approver) => Promise<T>): readonly Promise<T>[] {
  const answers = members.map(ask);
  for (const answer of answers) answer.catch(() => undefined);
  return answers;
}

/** What a member says to break-glass. One without that question can't approve it, but whatever it denies, it denies (H8). */
async function toBreakGlass(member: Approver, request: AccessRequest, context: ApproverContext): Promise<BreakGlassVerdict> {
  // Answering nothing is a failure.
  if (member.breakGlass !== undefined) return plainCopy('verdict', await member.breakGlass(request, context));
  return (await denialOf(member, request, context)) ?? ABSTAINS;
}

/** Rights can be taken away by those who stand before the one that decided: a rule that would deny it now is a no. */
async function denialBefore(
  decider: Approver,
  members: readonly Approver[],
  request: AccessRequest,
  context: ApproverContext,
): Promise<Ineligibility | undefined> {
  const earlier = members.slice(0, members.indexOf(decider));
  for (const answer of together(earlier, (member) => denialOf(member, request, context))) {
    const denial = await answer;
    if (denial !== undefined) return { eligible: false, reason: denial.reason };
  }
  return undefined;
}

/** The denial of a member that is asked only for that. */
async function denialOf(member: Approver, request: AccessRequest, context: ApproverContext): Promise<Denial | undefined> {
  const verdict = plainCopy('verdict', await member.decide(request, context));
  if (verdict.outcome === 'deny') return verdict;
  // An answer that is none may have been meant as a no.
  if (!NO_DENIALS.has(verdict.outcome)) throw new TypeError(`decide of ${member.name} must return a verdict`);
  return undefined;
}

type Denial = Extract<Verdict, { readonly outcome: 'deny' }>;

const isApprover = (member: unknown): boolean =>
  typeof (member as Approver | null | undefined)?.decide === 'function' && isId((member as Approver).name);

/** Not having the question is a no; not answering it is a failure. */
function answersFor(member: Approver, name: string): boolean {
  const answer: unknown = member.answersFor === undefined ? false : member.answersFor(name);
  if (typeof answer !== 'boolean') throw new TypeError(`answersFor of ${member.name} must return true or false`);
  return answer;
}

/** Not having the question is a yes; not answering it is a failure. */
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
