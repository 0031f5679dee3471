import type { AskProblem } from '../../core/ask-problem.js';
import { shown } from '../../core/ask-problems.js';
import { isBlank } from '../../core/parse.js';
import { agentOf, type AccessRequest } from '../../records/index.js';
import type { RuleLimits, RuleCore } from './compile.js';
import { changeAfter } from '../calendar/hours.js';
import { whenInWords } from '../calendar/in-words.js';
import { wrongFields } from './fields.js';
import { cut, inWords } from './in-words.js';
import { combinedProblems } from './combined-terms-problems.js';
import { speaksOf, type Holding } from './matching.js';
import type { Question } from './question.js';
import type { Steps } from './steps.js';
import { matchesTicket } from './ticket.js';
import type { Limit } from './times.js';
import { isWithoutMetadata } from './without-metadata.js';

/** The greatest number of listed problems: no person reads more, and a reason must fit into a text of 4 KiB. */
const MAX_TOLD = 8;
const MAX_PART_BYTES = 380;

/** Why a request does not meet the conditions of its rules. */
export interface Unmet {
  /** The conditions in words, each with its rule and field. */
  readonly reason: string;
  /** The values to correct; absent: a right is missing. */
  readonly problems?: readonly AskProblem[];
}

/**
 * The unmet conditions of a request; `undefined`: it meets all. A missing right comes first: no value could make up for it.
 *
 * @param end when its rules stop to hold; `undefined`: never
 */
export function* whatIsMissing<Rule extends RuleCore & RuleLimits>(
  found: Holding<Rule>,
  question: Question,
  end: Limit | undefined,
): Steps<Unmet | undefined> {
  const right = yield* whatRightIsMissing(found, question);
  if (right !== undefined) return { reason: right };
  const missing = [...found.holding.flatMap((rule) => missingFor(rule, question)), ...pastEnd(question, end)];
  const reason = told(missing.map(({ rule, condition, what }) => lack(rule, condition, what)));
  return reason === undefined ? undefined : { reason, problems: combinedProblems(missing.map(({ problem }) => problem)) };
}

/** The unmet conditions that are rights. The engine asks about rights again later; numbers are frozen on the request (L17). */
export function* whatRightIsMissing<Rule extends RuleCore & RuleLimits>(
  found: Holding<Rule>,
  question: Question,
): Steps<string | undefined> {
  return told(yield* missingRights(found, question));
}

function told(missing: readonly string[]): string | undefined {
  if (missing.length === 0) return undefined;
  const more = missing.length > MAX_TOLD ? [`and ${missing.length - MAX_TOLD} more`] : [];
  return [...missing.slice(0, MAX_TOLD), ...more].join('; ');
}

const lack = (rule: Pick<RuleCore, 'id'>, field: string, what: string): string =>
  `${cut(what, MAX_PART_BYTES)} (rule ${rule.id}: ${field})`;

function* missingRights({ deciding, holding }: Holding<RuleCore & RuleLimits>, question: Question): Steps<readonly string[]> {
  const { subject, requestedBy } = question.request;
  const missing: string[] = [];
  for (const { scope, rule } of deciding) {
    if (rule !== undefined && !rule.patterns && question.reach.isWide(scope)) {
      const what = scope.isWide ? 'is a pattern' : 'covers other scopes too';
      missing.push(`${cut(scope.text, MAX_PART_BYTES)} ${what}, but rule ${rule.id} allows only single scopes (patterns)`);
    }
  }
  for (const rule of holding) {
    if (yield* speaksOf(rule.requesters, requestedBy, rule.runs, question)) continue;
    const who =
      requestedBy === subject || requestedBy === agentOf(subject)
        ? 'the subject may not request this for itself'
        : `${requestedBy} may not request this for ${subject}`;
    missing.push(lack(rule, 'requesters', who));
  }
  return missing;
}

/** A value that does not meet a condition of a rule. */
interface Missing {
  readonly rule: Pick<RuleCore, 'id'>;
  /** The field of the rule. */
  readonly condition: string;
  readonly what: string;
  readonly problem: AskProblem;
}

/** The asked window, if it passes the instant at which its rules stop to hold. It is refused, never cut (L3). */
function pastEnd({ request }: Question, end: Limit | undefined): readonly Missing[] {
  const { extension, startsAt, createdAt, ttlMs, until } = request;
  // From the ask on, not from now: a late decision gives the time that is left.
  const got = until ?? (extension?.from ?? startsAt ?? createdAt) + ttlMs;
  if (end === undefined || got <= end.at) return [];
  const what = `the access must end by ${new Date(end.at).toISOString()}`;
  return [{ rule: end.rule, condition: 'when', what, problem: outsideHours(end, fieldOfLength(request), got) }];
}

/** The field of an ask that sets the length of its window. */
const fieldOfLength = ({ until }: Pick<AccessRequest, 'until'>): 'ttl' | 'until' => (until === undefined ? 'ttl' : 'until');

/** Why a rule gives nothing at the start of the access, and from when on it does. */
export function notYet({ rule, at }: Limit, question: Question): Unmet {
  const hours = rule.when === undefined ? '' : whenInWords(rule.when);
  const next = at === Infinity ? 'it holds no more' : `it next holds at ${new Date(at).toISOString()}`;
  return {
    reason: lack(rule, 'when', `the access must start within ${hours}; ${next}`),
    problems: [outsideHours({ rule, at }, 'startsAt', question.at)],
  };
}

/** The start to correct, if a deny rule holds at some times only. */
export function frozen(rule: RuleCore, question: Question): { readonly problems?: readonly AskProblem[] } {
  if (rule.when === undefined) return {};
  const at = changeAfter(rule.when, question.at);
  return at === Infinity ? {} : { problems: Object.freeze([outsideHours({ rule, at }, 'startsAt', question.at)]) };
}

const outsideHours = ({ rule, at }: Limit, field: 'ttl' | 'until' | 'startsAt', got: number): AskProblem =>
  Object.freeze({ rule: rule.id, field, code: 'outside_hours', limit: at === Infinity ? undefined : at, got });

function missingFor(rule: RuleCore & RuleLimits, { request }: Question): readonly Missing[] {
  const { ttlMs, startsAt, createdAt, justification, ticket } = request;
  const missing: Missing[] = [];
  const miss = (condition: string, what: string, problem: Omit<AskProblem, 'rule'>) =>
    missing.push({ rule, condition, what, problem: Object.freeze({ rule: rule.id, limit: undefined, got: undefined, ...problem }) });
  const { minTtlMs, maxTtlMs, maxTotalMs, maxStartAheadMs } = rule;
  const ttl = { field: fieldOfLength(request), got: ttlMs };
  if (minTtlMs !== undefined && !(ttlMs >= minTtlMs)) {
    miss('minTtl', `ask for at least ${inWords(minTtlMs)}`, { ...ttl, code: 'too_short', limit: minTtlMs });
  }
  // `maxTotal` bounds the first window as well as its extensions. A `maxTtl` is never longer, so it is the bound that matters.
  if (maxTtlMs !== undefined && !(ttlMs <= maxTtlMs)) {
    miss('maxTtl', `ask for at most ${inWords(maxTtlMs)}`, { ...ttl, code: 'too_long', limit: maxTtlMs });
  } else if (maxTotalMs !== undefined && !(ttlMs <= maxTotalMs)) {
    miss('maxTotal', `ask for at most ${inWords(maxTotalMs)}`, { ...ttl, code: 'too_long', limit: maxTotalMs });
  }
  if (startsAt !== undefined && maxStartAheadMs !== undefined && !(startsAt - createdAt <= maxStartAheadMs)) {
    const problem = { field: 'startsAt', code: 'too_far_ahead', limit: maxStartAheadMs, got: startsAt - createdAt } as const;
    miss('maxStartAhead', `start at most ${inWords(maxStartAheadMs)} ahead`, problem);
  }
  if (rule.justification && isBlank(justification ?? '')) {
    miss('require.justification', 'give a justification', { field: 'justification', code: 'missing' });
  }
  if (rule.ticket !== undefined && !matchesTicket(rule.ticket, ticket)) {
    const form = rule.ticket === true ? undefined : rule.ticket;
    const given = ticket === undefined || isBlank(ticket) ? undefined : shown(ticket);
    const what = form === undefined ? 'cite a ticket' : `cite a ticket like ${form}`;
    miss('require.ticket', what, { field: 'ticket', code: given === undefined ? 'missing' : 'malformed', limit: form, got: given });
  }
  if (!isWithoutMetadata(request)) for (const { what, problem } of wrongFields(rule.fields, request)) miss('require.fields', what, problem);
  return missing;
}
