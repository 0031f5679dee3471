import type { AskProblem } from '../../core/ask-problem.js';
import { shown } from '../../core/ask-problems.js';
import { isBlank } from '../../core/parse.js';
import { agentOf } from '../../records/index.js';
import type { RuleLimits, RuleCore } from './compile.js';
import { cut, inWords } from './in-words.js';
import { strictest } from './strictest-problems.js';
import { speaksOf, type Holding } from './matching.js';
import type { Question } from './question.js';
import { matchesTicket } from './ticket.js';

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

/** The unmet conditions of a request; `undefined`: it meets all. A missing right comes first: no value could make up for it. */
export async function whatIsMissing<Rule extends RuleCore & RuleLimits>(
  found: Holding<Rule>,
  question: Question,
): Promise<Unmet | undefined> {
  const right = await whatRightIsMissing(found, question);
  if (right !== undefined) return { reason: right };
  const missing = found.holding.flatMap((rule) => missingFor(rule, question));
  const reason = told(missing.map(({ rule, condition, what }) => lack(rule, condition, what)));
  return reason === undefined ? undefined : { reason, problems: strictest(missing.map(({ problem }) => problem)) };
}

/** The unmet conditions that are rights. The engine asks about rights again later; numbers are frozen on the request (L17). */
export async function whatRightIsMissing<Rule extends RuleCore & RuleLimits>(
  found: Holding<Rule>,
  question: Question,
): Promise<string | undefined> {
  return told(await missingRights(found, question));
}

function told(missing: readonly string[]): string | undefined {
  if (missing.length === 0) return undefined;
  const more = missing.length > MAX_TOLD ? [`and ${missing.length - MAX_TOLD} more`] : [];
  return [...missing.slice(0, MAX_TOLD), ...more].join('; ');
}

const lack = (rule: RuleCore, field: string, what: string): string => `${cut(what, MAX_PART_BYTES)} (rule ${rule.id}: ${field})`;

async function missingRights({ deciding, holding }: Holding<RuleCore & RuleLimits>, question: Question): Promise<readonly string[]> {
  const { subject, requestedBy } = question.request;
  const missing: string[] = [];
  for (const { scope, rule } of deciding) {
    if (rule !== undefined && !rule.patterns && question.reach.isWide(scope)) {
      const what = scope.isWide ? 'is a pattern' : 'covers other scopes too';
      missing.push(`${cut(scope.text, MAX_PART_BYTES)} ${what}, but rule ${rule.id} allows only single scopes (patterns)`);
    }
  }
  for (const rule of holding) {
    if (await speaksOf(rule.requesters, requestedBy, rule.runs, question)) continue;
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
  readonly rule: RuleCore;
  /** The field of the rule. */
  readonly condition: string;
  readonly what: string;
  readonly problem: AskProblem;
}

function missingFor(rule: RuleCore & RuleLimits, { request }: Question): readonly Missing[] {
  const { ttlMs, until, startsAt, createdAt, justification, ticket } = request;
  const missing: Missing[] = [];
  const miss = (condition: string, what: string, problem: Omit<AskProblem, 'rule'>) =>
    missing.push({ rule, condition, what, problem: Object.freeze({ rule: rule.id, limit: undefined, got: undefined, ...problem }) });
  const { minTtlMs, maxTtlMs, maxTotalMs, maxStartAheadMs } = rule;
  const ttl = { field: until === undefined ? 'ttl' : 'until', got: ttlMs };
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
  return missing;
}
