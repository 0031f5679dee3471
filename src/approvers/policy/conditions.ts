import { isBlank } from '../../core/parse.js';
import { agentOf } from '../../records/index.js';
import type { RuleLimits, RuleCore } from './compile.js';
import { cut, inWords } from './in-words.js';
import { speaksOf, type Holding } from './matching.js';
import type { Question } from './question.js';
import { matchesTicket } from './ticket.js';

/** The greatest number of listed problems: no person reads more, and a reason must fit into a text of 4 KiB. */
const MAX_TOLD = 8;
const MAX_PART_BYTES = 380;

/** The unmet conditions of a request, each with its rule and field. `undefined`: the request meets all of them. */
export async function whatIsMissing<Rule extends RuleCore & RuleLimits>(
  found: Holding<Rule>,
  question: Question,
): Promise<string | undefined> {
  return told([...(await missingRights(found, question)), ...found.holding.flatMap((rule) => missingFor(rule, question))]);
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

function missingFor(rule: RuleCore & RuleLimits, { request }: Question): readonly string[] {
  const { ttlMs, startsAt, createdAt, justification, ticket } = request;
  const missing: string[] = [];
  const miss = (field: string, what: string) => missing.push(lack(rule, field, what));
  if (rule.minTtlMs !== undefined && !(ttlMs >= rule.minTtlMs)) miss('minTtl', `ask for at least ${inWords(rule.minTtlMs)}`);
  if (rule.maxTtlMs !== undefined && !(ttlMs <= rule.maxTtlMs)) miss('maxTtl', `ask for at most ${inWords(rule.maxTtlMs)}`);
  // `maxTotal` bounds the first window as well as its extensions.
  else if (rule.maxTotalMs !== undefined && !(ttlMs <= rule.maxTotalMs)) {
    miss('maxTotal', `ask for at most ${inWords(rule.maxTotalMs)}`);
  }
  if (startsAt !== undefined && rule.maxStartAheadMs !== undefined && !(startsAt - createdAt <= rule.maxStartAheadMs)) {
    miss('maxStartAhead', `start at most ${inWords(rule.maxStartAheadMs)} ahead`);
  }
  if (rule.justification && isBlank(justification ?? '')) miss('require.justification', 'give a justification');
  if (rule.ticket !== undefined && !matchesTicket(rule.ticket, ticket)) {
    miss('require.ticket', rule.ticket === true ? 'cite a ticket' : `cite a ticket like ${rule.ticket}`);
  }
  return missing;
}
