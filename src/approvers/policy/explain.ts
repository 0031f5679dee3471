import { invalid, readActor, readList, readOptions, readText } from '../../input.js';
import { makeRequest, type AccessRequest } from '../../records.js';
import { readPattern } from '../../scope.js';
import { readDuration, readInstant } from '../../time.js';
import { isDenying, type Compiled, type RuleCore } from './compile.js';
import { answer, whyIneligible, type Answer } from './decide.js';
import { Memberships } from './groups.js';
import { coversScope, overlapsScope, speaksOf, isWide } from './matching.js';
import type { ConsideredRule, Explanation, PolicyQuestion } from './types.js';

/** What the rules say to a request, with what each of them has to do with it. */
export async function explain(policy: Compiled, request: AccessRequest): Promise<Explanation> {
  const memberships = new Memberships(policy.groups, request);
  const said = await answer(policy, memberships);
  const scopes = [];
  for (const scope of request.scopes) scopes.push(Object.freeze({ scope, considered: await consider(policy, scope, memberships) }));
  const ineligible = whyIneligible(said, request);
  const quorum = said.outcome === 'review' ? said.quorum : undefined;
  return Object.freeze({
    outcome: said.outcome === 'unfit' || said.outcome === 'uncovered' ? 'ineligible' : said.outcome,
    rule: 'rule' in said ? said.rule : undefined,
    reason: ineligible ?? reasonOf(said),
    quorum,
    reviewers: quorum && (await memberships.list(quorum.groups.map((group) => group.name))),
    terms: 'terms' in said ? said.terms : undefined,
    scopes: Object.freeze(scopes),
  });
}

const reasonOf = (said: Answer): string | undefined => ('reason' in said ? said.reason : undefined);

/** Each rule in order, and what keeps it from deciding this scope. */
async function consider(policy: Compiled, scope: string, memberships: Memberships): Promise<readonly ConsideredRule[]> {
  const considered: ConsideredRule[] = [];
  const { subject } = memberships.request;
  let decided: string | undefined;
  const say = (rule: RuleCore, verdict: ConsideredRule['verdict'], why: string) =>
    considered.push(Object.freeze({ rule: rule.id, verdict, why }));
  for (const rule of policy.rules) {
    const denies = isDenying(rule);
    const reaches = denies ? overlapsScope(rule, scope) : coversScope(rule, scope);
    const joins = !reaches && !denies && isWide(scope) && overlapsScope(rule, scope);
    if (!reaches && !joins) say(rule, 'passed_over', `its scopes ${denies ? 'overlap' : 'cover'} no ${scope}`);
    else if (!(await speaksOf(rule.subjects, subject, memberships))) say(rule, 'passed_over', `its subjects do not include ${subject}`);
    else if (denies) say(rule, 'decides', 'it denies what overlaps its scopes, before all other rules');
    else if (joins || (decided !== undefined && isWide(scope)))
      say(rule, 'decides', `${scope} is a pattern that overlaps its scopes, so what it asks for holds too`);
    else if (decided !== undefined) say(rule, 'passed_over', `rule ${decided} covers the scope before it`);
    else {
      decided = rule.id;
      say(rule, 'decides', 'it is the first that covers the scope for this subject');
    }
  }
  return Object.freeze(considered);
}

const FIELDS = ['subject', 'scope', 'scopes', 'ttl', 'startsAt', 'justification', 'ticket', 'requestedBy', 'at'] as const;

/** A request that nobody has made, from the fields of one. */
export function readQuestion(given: unknown): AccessRequest {
  if (isRecorded(given)) return given;
  const read = readOptions<keyof PolicyQuestion>('request', given, FIELDS);
  const subject = readActor('subject', read.subject);
  if ((read.scope === undefined) === (read.scopes === undefined)) throw invalid('scope', 'given, or scopes, and not both', read.scope);
  const scopes =
    read.scopes === undefined
      ? [readPattern('scope', read.scope)]
      : readList('scopes', read.scopes, 1).map((scope, i) => readPattern(`scopes[${i}]`, scope));
  const startsAt = read.startsAt === undefined ? undefined : readInstant('startsAt', read.startsAt);
  if (startsAt !== undefined && read.at === undefined) throw invalid('at', 'given with startsAt: how far ahead that is, is asked', read.at);
  const createdAt = read.at === undefined ? 0 : readInstant('at', read.at);
  return asRequest({
    id: '-',
    subject,
    requestedBy: read.requestedBy === undefined ? subject : readActor('requestedBy', read.requestedBy),
    scopes,
    ttlMs: readDuration('ttl', read.ttl),
    startsAt,
    extension: undefined,
    justification: readText('justification', read.justification),
    ticket: readText('ticket', read.ticket),
    createdAt,
    reviewBy: createdAt + UNSET_MS,
    askAgainAt: createdAt + UNSET_MS,
  });
}

/** The engine's own default of a deadline. */
const UNSET_MS = 86_400_000;

const isRecorded = (given: unknown): given is AccessRequest =>
  typeof given === 'object' && given !== null && Object.hasOwn(given, 'kind') && (given as AccessRequest).kind === 'request';

/** What somebody asked, as a request about which nobody has said anything yet. */
export function asRequest(
  asked: Pick<
    AccessRequest,
    | 'id'
    | 'subject'
    | 'requestedBy'
    | 'scopes'
    | 'ttlMs'
    | 'startsAt'
    | 'extension'
    | 'justification'
    | 'ticket'
    | 'createdAt'
    | 'reviewBy'
    | 'askAgainAt'
  >,
): AccessRequest {
  return makeRequest({
    ...asked,
    version: 1,
    metadata: undefined,
    approver: undefined,
    rule: undefined,
    terms: undefined,
    assignedAt: undefined,
    quorum: undefined,
    escalatedAt: undefined,
    reviews: [],
    end: undefined,
    owed: undefined,
  });
}
