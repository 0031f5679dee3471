import type { Limits, RuleCore } from './compile.js';
import type { Memberships } from './groups.js';
import { speaksOf, type Holding, isWide } from './matching.js';
import { matchesTicket } from './ticket.js';

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

/** A duration as one writes it. */
function inWords(ms: number): string {
  let left = ms;
  return UNITS.map(([unit, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count === 0 ? '' : `${count}${unit}`;
  }).join('');
}

/** More than this nobody reads, and a reason has to fit into a text. */
const MAX_TOLD = 8;

/** What an ask lacks, each with the rule and the field that want it; `undefined`: nothing. */
export async function whatIsMissing<Rule extends RuleCore & Limits>(
  { deciding, holding }: Holding<Rule>,
  memberships: Memberships,
): Promise<string | undefined> {
  const missing: string[] = [];
  for (const { scope, rule } of deciding) {
    if (rule !== undefined && !rule.patterns && isWide(scope)) {
      missing.push(`${scope} is a pattern, and rule ${rule.id} gives none (patterns)`);
    }
  }
  for (const rule of holding) missing.push(...(await missingFor(rule, memberships)));
  if (missing.length === 0) return undefined;
  const more = missing.length > MAX_TOLD ? [`and ${missing.length - MAX_TOLD} more`] : [];
  return [...missing.slice(0, MAX_TOLD), ...more].join('; ');
}

async function missingFor(rule: RuleCore & Limits, memberships: Memberships): Promise<readonly string[]> {
  const { subject, requestedBy, ttlMs, startsAt, createdAt, justification, ticket } = memberships.request;
  const missing: string[] = [];
  const miss = (field: string, what: string) => missing.push(`${what} (rule ${rule.id}: ${field})`);
  if (!(await speaksOf(rule.requesters, requestedBy, memberships))) {
    miss('requesters', requestedBy === subject ? 'the subject may not ask for itself' : `${requestedBy} may not ask for ${subject}`);
  }
  if (rule.minTtlMs !== undefined && !(ttlMs >= rule.minTtlMs)) miss('minTtl', `ask for at least ${inWords(rule.minTtlMs)}`);
  if (rule.maxTtlMs !== undefined && !(ttlMs <= rule.maxTtlMs)) miss('maxTtl', `ask for at most ${inWords(rule.maxTtlMs)}`);
  if (startsAt !== undefined && rule.maxStartAheadMs !== undefined && !(startsAt - createdAt <= rule.maxStartAheadMs)) {
    miss('maxStartAhead', `start at most ${inWords(rule.maxStartAheadMs)} ahead`);
  }
  if (rule.justification && (justification ?? '').trim() === '') miss('require.justification', 'give a justification');
  if (rule.ticket !== undefined && !matchesTicket(rule.ticket, ticket)) {
    miss('require.ticket', rule.ticket === true ? 'cite a ticket' : `cite a ticket like ${rule.ticket}`);
  }
  return missing;
}
