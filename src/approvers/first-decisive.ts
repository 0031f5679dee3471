import { invalid, isId } from '../input.js';
import type { Approver, BreakGlassVerdict, Ineligibility, Verdict, VerdictSource } from '../ports.js';
import type { AccessRequest } from '../records.js';

/** The members of each chain. */
const chains = new WeakMap<Approver, readonly Approver[]>();

/**
 * Asks one approver after another; the first that has an opinion decides. The request keeps that one's name, and it
 * alone is asked about groups and eligibility afterwards. A request on which all abstain is denied.
 *
 * At creation one member that says the subject is eligible, or that doesn't ask, suffices.
 *
 * @throws InvalidArgumentError when two members have the same name: the name is how a request finds its approver again
 */
export function firstDecisive(...approvers: readonly Approver[]): Approver {
  // A chain in a chain is one chain: a request must find the very approver that decided it.
  const members = approvers.flatMap((approver) => chains.get(approver) ?? approver);
  if (members.length === 0 || !members.every(isApprover)) throw invalid('members', 'at least one approver, and nothing else', members);
  const byName = new Map(members.map((member) => [member.name, member]));
  if (byName.size < members.length)
    throw invalid('members', 'approvers of different names', members.map((member) => member.name).join(', '));
  // By its own name, or by one that it answers for: a member may be made of others.
  const memberFor = (name: string) => byName.get(name) ?? members.find((member) => answersFor(member, name));
  const deciderOf = ({ approver }: AccessRequest) => (approver === undefined ? undefined : memberFor(approver));
  const inItsName = <V extends VerdictSource>(verdict: V, member: Approver): V => ({
    ...verdict,
    approver: verdict.approver !== undefined && memberFor(verdict.approver) === member ? verdict.approver : member.name,
  });

  const chain: Approver = Object.freeze({
    name: 'first-decisive',
    // Its own name stands on what all members abstained from.
    answersFor: (name: string) => name === 'first-decisive' || memberFor(name) !== undefined,
    async decide(request: AccessRequest): Promise<Verdict> {
      for (const member of members) {
        // A copy: what has a getter could say something else at the next look.
        const verdict = { ...(await member.decide(request)) };
        if (verdict.outcome !== 'abstain') return inItsName(verdict, member);
      }
      return { outcome: 'abstain' };
    },
    // Not having the question gives nobody a right; answering nothing is a failure, and is passed on as it is.
    groupsOf(reviewer: string, request: AccessRequest) {
      const decider = deciderOf(request);
      return decider?.groupsOf === undefined ? [] : decider.groupsOf(reviewer, request);
    },
    membersOf: (request: AccessRequest) => deciderOf(request)?.membersOf?.(request),
    async breakGlass(request: AccessRequest): Promise<BreakGlassVerdict> {
      for (const member of members) {
        // Not having the question is no opinion; answering nothing is a failure, and nobody is passed over for that.
        const verdict = { ...(member.breakGlass === undefined ? ABSTAINS : await member.breakGlass(request)) };
        if (verdict.outcome !== 'abstain') return inItsName(verdict, member);
      }
      return ABSTAINS;
    },
    mayAcknowledge(reviewer: string, request: AccessRequest) {
      const decider = deciderOf(request);
      return decider?.mayAcknowledge === undefined ? false : decider.mayAcknowledge(reviewer, request);
    },
    async isEligible(request: AccessRequest, when: 'creation' | 'approval' | 'start'): Promise<boolean | Ineligibility> {
      if (when !== 'creation') {
        const decider = deciderOf(request);
        // An approver that has left the chain can no longer vouch for anybody.
        if (decider === undefined) return false;
        const denial = await denialBefore(decider, members, request);
        return denial ?? isEligible(decider, request, when);
      }
      let failure: { readonly error: unknown } | undefined;
      let no: false | Ineligibility = false;
      for (const member of members) {
        try {
          const answer = await isEligible(member, request, when);
          if (answer === true) return true;
          if (answer !== false) no = answer;
        } catch (error) {
          failure = { error };
        }
      }
      if (failure !== undefined) throw failure.error;
      return no;
    },
  });
  chains.set(chain, members);
  return chain;
}

const NO_DENIALS: ReadonlySet<unknown> = new Set<Verdict['outcome']>(['approve', 'review', 'abstain']);

/** Rights can be taken away by those who stand before the one that decided: a rule that would deny it now is a no. */
async function denialBefore(decider: Approver, members: readonly Approver[], request: AccessRequest): Promise<Ineligibility | undefined> {
  for (const member of members.slice(0, members.indexOf(decider))) {
    const verdict = { ...(await member.decide(request)) };
    if (verdict.outcome === 'deny') return { eligible: false, reason: verdict.reason };
    // An answer that is none may have been meant as a no.
    if (!NO_DENIALS.has(verdict.outcome)) throw new TypeError(`${member.name} has answered with no verdict`);
  }
  return undefined;
}

const isApprover = (member: unknown): boolean =>
  typeof (member as Approver | null | undefined)?.decide === 'function' && isId((member as Approver).name);

/** Not having the question is a no; not answering it is a failure. */
function answersFor(member: Approver, name: string): boolean {
  const answer: unknown = member.answersFor === undefined ? false : member.answersFor(name);
  if (typeof answer !== 'boolean') throw new TypeError(`answersFor of ${member.name} must answer true or false`);
  return answer;
}

const ABSTAINS = Object.freeze({ outcome: 'abstain' } as const);

/** Not having the question is a yes; not answering it is a failure. */
async function isEligible(
  member: Approver,
  request: AccessRequest,
  when: 'creation' | 'approval' | 'start',
): Promise<boolean | Ineligibility> {
  const answer: unknown = member.isEligible === undefined ? true : await member.isEligible(request, when);
  if (typeof answer === 'boolean') return answer;
  const isNo = typeof answer === 'object' && answer !== null && (answer as Partial<Ineligibility>).eligible === false;
  if (!isNo) throw new TypeError(`isEligible of ${member.name} must answer true, false, or { eligible: false, reason }`);
  return answer as Ineligibility;
}
