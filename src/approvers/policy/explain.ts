import { agentOf, namedGroups, quorumInWords, type AccessRequest } from '../../records/index.js';
import { whenInWords } from '../calendar/in-words.js';
import { isDenying, type Compiled, type RuleCore } from './compile.js';
import { answer, whyIneligible, type Answer } from './decide.js';
import { Question } from './question.js';
import { follow } from './steps.js';
import { coversScope, findCovering, isAboutPart, isFor, isInTime, overlapsScope, speaksOf } from './matching.js';
import type { Parts } from './rule-scopes.js';
import type { ConsideredRule, Explanation } from './types.js';

/** The answer of the policy to a request, and for each scope whether and why each rule decides it. */
export async function explain(policy: Compiled, request: AccessRequest): Promise<Explanation> {
  const question = new Question(policy, request);
  const said = await follow(answer(policy, question));
  const scopes = [];
  for (const scope of question.scopes)
    scopes.push(Object.freeze({ scope: scope.text, considered: await consider(policy, scope, question) }));
  const ineligible = whyIneligible(said, request);
  const quorum = said.outcome === 'review' ? said.quorum : undefined;
  return Object.freeze({
    outcome: ineligible === undefined && said.outcome !== 'unfit' && said.outcome !== 'uncovered' ? said.outcome : 'ineligible',
    rule: 'rule' in said ? said.rule : undefined,
    reason: ineligible?.reason ?? reasonOf(said),
    problems: ineligible?.problems ?? NONE,
    quorum,
    quorumInWords: quorum && quorumInWords(quorum),
    reviewers: quorum && (await question.list(namedGroups(quorum))),
    terms: 'terms' in said ? said.terms : undefined,
    scopes: Object.freeze(scopes),
  });
}

const NONE: Explanation['problems'] = /* @__PURE__ */ Object.freeze([]);

const reasonOf = (said: Answer): string | undefined => ('reason' in said ? said.reason : undefined);

/** Each rule in order, and whether and why it decides this scope. */
async function consider(policy: Compiled, scope: Parts, question: Question): Promise<readonly ConsideredRule[]> {
  const decides = await follow(findCovering(policy.giving, scope, question));
  const considered: ConsideredRule[] = [];
  for (const rule of policy.rules) considered.push(Object.freeze({ rule: rule.id, ...(await lookAt(rule, scope, question, decides)) }));
  return Object.freeze(considered);
}

type Looked = Omit<ConsideredRule, 'rule'>;

async function lookAt(rule: RuleCore, scope: Parts, question: Question, decides: RuleCore | undefined): Promise<Looked> {
  const { request, reach } = question;
  const passedOver = (why: string): Looked => ({ verdict: 'passed_over', why });
  const denies = isDenying(rule);
  const isPart = !denies && decides !== undefined && isAboutPart(rule, scope, reach);
  if (!isPart && !(denies ? overlapsScope(rule, scope, reach) : coversScope(rule, scope, reach))) {
    return passedOver(`its scopes do not ${denies ? 'overlap' : 'cover'} ${scope.text}`);
  }
  if (!(await follow(isFor(rule, question)))) {
    const agent = agentOf(request.subject);
    const isForAgent = agent !== undefined && !denies && (await follow(speaksOf(rule.subjects, agent, false, question)));
    return passedOver(
      isForAgent
        ? `its subjects include ${agent}, but not the runs of that agent (runs)`
        : `its subjects do not include ${request.subject}`,
    );
  }
  if (rule.when !== undefined && !isInTime(rule, question))
    return passedOver(`it does not hold at ${new Date(question.at).toISOString()}, only ${whenInWords(rule.when)} (when)`);
  if (denies) return { verdict: 'decides', why: 'it denies every overlapping scope, and deny rules come first' };
  if (rule === decides) return { verdict: 'decides', why: 'it is the first rule that covers the scope for this subject' };
  if (isPart) {
    const what = scope.isWide ? `${scope.text} is a pattern that overlaps its scopes` : `${scope.text} overlaps its scopes`;
    return { verdict: 'decides', why: `${what}, so its conditions apply too` };
  }
  return passedOver(`rule ${decides?.id ?? ''} comes first and covers the scope`);
}
