import { agentOf, type AccessRequest } from '../../records/index.js';
import { changeAfter, holdsAt } from '../calendar/hours.js';
import { readQuestion } from './policy-question.js';
import { commonReviewers, whyUnreviewable } from './break-glass.js';
import { isDenying, type Compiled, type Denying, type Emergency, type Giving, type RuleCore } from './compile.js';
import { whyHopeless } from './decide.js';
import { membershipsIn } from './groups-of-all.js';
import { mayInclude, namesOf, type Selector } from './selectors.js';
import { listOf, Question, type Groups } from './question.js';
import type { RuleScopes } from './rule-scopes.js';
import { combinedQuorum } from './combined-terms.js';

/** Who would ask, and when. */
export interface Asker {
  readonly subject: string;
  readonly requestedBy: string;
  readonly operator: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** A rule that may give access to a subject. */
export interface MatchingRule {
  /** A question about an ask for the scopes of the rule. */
  readonly question: Question;
  /** False: it refuses every ask of this requester, so that no ask for its scopes succeeds. */
  readonly accepts: boolean;
}

/** The rules that apply to a subject. */
export interface MatchingRules {
  readonly denying: ReadonlySet<Denying>;
  readonly giving: ReadonlyMap<Giving | Emergency, MatchingRule>;
  /** The deny rules for the subject that do not hold now: the access must end before they do. */
  readonly denyingLater: ReadonlySet<Denying>;
  /** Whether an ask with a later start may succeed for a scope that is refused now, because a calendar changes. */
  readonly hasMoreLater: boolean;
}

/** Whether a calendar may give more at a later start. Break-glass starts at once. @param holds whether the rule holds now */
function mayGiveLater(rule: Giving | Denying | Emergency, holds: boolean, at: number): boolean {
  if (rule.when === undefined || holds !== isDenying(rule) || 'reviewers' in rule) return false;
  const aheadMs = 'maxStartAheadMs' in rule ? (rule.maxStartAheadMs ?? Infinity) : Infinity;
  const change = changeAfter(rule.when, at);
  return change < Infinity && change - at <= aheadMs;
}

/** The rules that hold now and whose subjects include the one that would ask. It asks each group of code about all rules together. */
export async function matchingRules(policy: Compiled, asker: Asker, reach: RuleScopes): Promise<MatchingRules> {
  const { groups, rules, breakGlass } = policy;
  const { subject, requestedBy } = asker;
  const all: readonly (Giving | Denying | Emergency)[] = [...rules, ...breakGlass];
  const isFor = await speakOf(
    groups,
    all.map((rule) => ({ rule, selectors: rule.subjects, person: subject, request: () => draft(rule, asker) })),
  );
  const isHolding = ({ when }: RuleCore): boolean => when === undefined || holdsAt(when, asker.at);
  const forSubject = all.filter((_, i) => isFor[i] === true).map((rule) => ({ rule, holds: isHolding(rule) }));
  const applying = forSubject.filter(({ holds }) => holds).map(({ rule }) => rule);
  const giving = applying.filter((rule): rule is Giving | Emergency => !isDenying(rule));
  const isOneself = requestedBy === subject || requestedBy === agentOf(subject);
  const mayAsk = await speakOf(
    groups,
    giving.map((rule) => {
      const selectors = isOneself && rule.requesters.some(({ kind }) => kind === 'self') ? undefined : rule.requesters;
      return { rule, selectors, person: requestedBy, request: () => draft(rule, asker) };
    }),
  );
  return {
    denying: new Set(applying.filter(isDenying)),
    denyingLater: new Set(forSubject.flatMap(({ rule, holds }) => (!holds && isDenying(rule) ? [rule] : []))),
    hasMoreLater: forSubject.some(({ rule, holds }) => mayGiveLater(rule, holds, asker.at)),
    giving: new Map(
      giving.map((rule, i) => {
        const question = new Question(policy, draft(rule, asker), reach);
        return [rule, { question, accepts: mayAsk[i] === true && !hasNoReviewers(rule, question) }];
      }),
    ),
  };
}

/** Whether the lists show that no reviewer could complete the review of this rule. The policy refuses such an ask at once. */
function hasNoReviewers(rule: Giving | Emergency, question: Question): boolean {
  if ('reviewers' in rule) return whyUnreviewable([rule], commonReviewers([rule]), question) !== undefined;
  return rule.review !== undefined && whyHopeless(combinedQuorum([rule.review], question.request), question) !== undefined;
}

const QUARTER_MS = 900_000;
/** The most scopes of a request. */
const MAX_SCOPES = 50;

/** The request by which groups of code judge memberships: an ask for the scopes of a rule. */
function draft(
  { scopes, minTtlMs, maxTtlMs }: RuleCore & Partial<Pick<Giving, 'minTtlMs' | 'maxTtlMs'>>,
  { subject, requestedBy, operator, at }: Asker,
): AccessRequest {
  const texts = new Set(scopes.slice(0, MAX_SCOPES).map(({ text }) => text));
  return readQuestion({ subject, requestedBy, operator, at, scopes: [...texts], ttl: maxTtlMs ?? minTtlMs ?? QUARTER_MS }, true);
}

/** Whether the selectors of a rule match a person. */
interface Speaking {
  readonly rule: RuleCore;
  readonly selectors: readonly Selector[] | undefined;
  readonly person: string;
  readonly request: () => AccessRequest;
}

/** For each rule, whether its selectors match. A group of code is asked only if the lists do not know, once about all such rules. */
async function speakOf(groups: Groups, rules: readonly Speaking[]): Promise<readonly boolean[]> {
  const known = rules.map(({ rule, selectors, person }) => mayInclude(selectors, person, rule.runs, groups));
  const needed = new Map<string, { readonly group: string; readonly name: string; readonly at: number[] }>();
  for (const [i, { rule, selectors = [], person }] of rules.entries()) {
    if (known[i] !== undefined) continue;
    for (const selector of selectors) {
      if (selector.kind !== 'group' || listOf(groups, selector.group) !== undefined) continue;
      for (const name of namesOf(person, rule.runs)) {
        const key = JSON.stringify([selector.group, name]);
        const found = needed.get(key) ?? { group: selector.group, name, at: [] };
        needed.set(key, found);
        found.at.push(i);
      }
    }
  }
  const requests = new Map<number, AccessRequest>();
  const requestOf = (i: number): AccessRequest => {
    const request = requests.get(i) ?? (rules[i] as Speaking).request();
    requests.set(i, request);
    return request;
  };
  const isIn = rules.map(() => false);
  await Promise.all(
    [...needed.values()].flatMap(({ group, name, at }) =>
      membershipsIn(groups, group, name, Object.freeze(at.map(requestOf))).map(async (answer, i) => {
        if (await answer) isIn[at[i] as number] = true;
      }),
    ),
  );
  return known.map((answer, i) => answer ?? (isIn[i] as boolean));
}
