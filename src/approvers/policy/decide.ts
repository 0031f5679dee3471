import type { AskProblem } from '../../core/ask-problem.js';
import type { Abstention, TermsInput, Verdict } from '../../core/approver-port.js';
import { alternativesOf, groupsIn, MAX_ALTERNATIVES, type AccessRequest, type Extension } from '../../records/index.js';
import type { Compiled, Giving } from './compile.js';
import { holderLimits } from './holders.js';
import { frozen, notYet, whatIsMissing, type Unmet } from './conditions.js';
import { listedBelow, whyUnmeetable, type Unmeetable } from './meetable.js';
import type { Question } from './question.js';
import type { Steps } from './steps.js';
import type { PolicyQuorum } from './review-terms.js';
import { findDenial, findHolding, type Holding } from './matching.js';
import { joinIds, combinedQuorum, combinedTerms } from './combined-terms.js';
import { endOf, nextToCover } from './times.js';

/** The answer of the rules to a request, before it becomes a verdict of the port. */
export type Answer =
  | {
      readonly outcome: 'deny';
      readonly rule: string;
      readonly reason: string;
      /** The start to correct, if the denial holds at some times only. */
      readonly problems?: readonly AskProblem[];
    }
  | {
      readonly outcome: 'uncovered';
      readonly scope: string;
      /** The instant from which a deny rule would hold. `undefined`: there is none. */
      readonly endBy: number | undefined;
      /** The rules that cover another part of the request. `undefined`: none. */
      readonly partly: string | undefined;
      /** The start to correct, if a rule covers the scope at other times. */
      readonly unmet?: Unmet;
    }
  | { readonly outcome: 'unfit'; readonly rule: string; readonly unmet: Unmet }
  | { readonly outcome: 'approve'; readonly rule: string; readonly terms: TermsInput }
  | { readonly outcome: 'review'; readonly rule: string; readonly terms: TermsInput; readonly quorum: PolicyQuorum };

export function* answer(policy: Compiled, question: Question): Steps<Answer> {
  const denial = yield* findDenial(policy, question);
  if (denial !== undefined) return { outcome: 'deny', rule: denial.id, reason: denial.reason, ...frozen(denial, question) };
  const holding = yield* findHolding(policy.giving, question);
  const without = uncovered(holding, question);
  if (without !== undefined) {
    const next = yield* nextToCover(policy.giving, without, question);
    const endBy = (yield* endOf(policy, [], question))?.at;
    return {
      outcome: 'uncovered',
      scope: without,
      endBy,
      partly: joinIds(holding.holding),
      ...(next && { unmet: notYet(next, question) }),
    };
  }
  const rule = joinIds(holding.holding) ?? '';
  const end = yield* endOf(policy, holding.holding, question);
  const unmet = yield* whatIsMissing(holding, question, end);
  if (unmet !== undefined) return { outcome: 'unfit', rule, unmet };
  const terms = combinedTerms(holding.holding, end?.at, holderLimits(holding, question));
  const reviews = reviewsOf(holding.holding);
  if (reviews.length > 0) {
    const quorum = combinedQuorum(reviews, question.request);
    const hopeless = whyHopeless(quorum, question);
    return hopeless === undefined ? { outcome: 'review', rule, terms, quorum } : { outcome: 'deny', rule, reason: hopeless };
  }
  if (isOfBreakGlass(question.request.extension)) {
    return { outcome: 'deny', rule, reason: 'only reviewers can extend break-glass access, and this rule asks for no review' };
  }
  return { outcome: 'approve', rule, terms };
}

export const reviewsOf = (rules: readonly Giving[]) => rules.flatMap(({ review }) => review ?? []);

/** A requested scope that no rule covers. A request without scopes counts as uncovered. */
export function uncovered(holding: Holding<unknown>, { scopes }: Question): string | undefined {
  if (scopes.length === 0) return 'an empty list of scopes';
  return holding.deciding.find(({ rule }) => rule === undefined)?.scope.text;
}

const isOfBreakGlass = (extension: Extension | undefined): boolean => extension !== undefined && extension.breakGlass;

/** Why this quorum can never be met, or never be denied: the lists of its groups have too few people, and no group may stand in. */
export function whyHopeless(quorum: PolicyQuorum, question: Question): string | undefined {
  const members = (group: string) => {
    const size = question.atMost(group);
    return size === Infinity ? undefined : { size, people: () => question.listed([group]) };
  };
  const reasons = alternativesOf(quorum).map((alternative) => whyUnmeetable(alternative, members));
  if (!reasons.includes(undefined)) return reasons[0] === undefined ? TOO_MANY : reasonOf(reasons[0]);
  if (quorum.assurance?.acr?.length === 0) return NO_ACR;
  const people = listedBelow(quorum.denials, groupsIn(quorum), members);
  return people === undefined
    ? undefined
    : `needs ${quorum.denials} denials to end a request, but only ${people} people may review this request`;
}

const TOO_MANY = `its rules together allow more than ${MAX_ALTERNATIVES} alternatives of reviewers: ask for the scopes of each rule separately`;

const NO_ACR = 'its rules accept no authentication context in common: ask for the scopes of each rule separately';

const reasonOf = ({ group, approvals, people, missing }: Unmeetable): string =>
  group === undefined
    ? `needs ${approvals} different reviewers, but the groups list too few who may review this request: ${missing}`
    : `needs ${approvals} approvals from group ${group}, but only ${people} of its members may review this request: its subject and its requester never may`;

/** Why the subject may not ask for this. `undefined`: it may. */
export function whyIneligible(said: Answer, request: AccessRequest): Unmet | undefined {
  if (said.outcome === 'unfit') return said.unmet;
  // A freeze ends: the requester may start later, and the refusal must not stand against that ask as a denial would.
  if (said.outcome === 'deny' && said.problems !== undefined)
    return { reason: `${said.reason} (rule ${said.rule})`, problems: said.problems };
  return said.outcome === 'uncovered' ? (said.unmet ?? { reason: noRule(said.scope, request) }) : undefined;
}

export const noRule = (scope: string, { subject }: AccessRequest): string => `no rule covers ${scope} for ${subject}`;

const partly = (rules: string): string =>
  `rule ${rules} covers only a part of this request: ask for that part and for the rest in separate requests`;

/**
 * A request that does not meet the conditions of its rule is denied, so that a chain asks no later, laxer approver. For the same
 * reason, a request of which the rules cover only a part is denied: one scope more must not avoid them.
 */
export function toVerdict(said: Answer): Verdict {
  if (said.outcome === 'uncovered' && said.partly !== undefined)
    return Object.freeze({ outcome: 'deny', rule: said.partly, reason: partly(said.partly) });
  if (said.outcome === 'uncovered') return abstention(said.endBy);
  if (said.outcome === 'unfit') return Object.freeze({ outcome: 'deny', rule: said.rule, reason: said.unmet.reason });
  return Object.freeze(said.outcome === 'deny' ? { outcome: 'deny', rule: said.rule, reason: said.reason } : said);
}

/** In a chain, a later member may give the access, but not beyond a freeze of this policy. */
export const abstention = (endBy: number | undefined): Abstention =>
  Object.freeze({ outcome: 'abstain', ...(endBy !== undefined && { endBy }) });
