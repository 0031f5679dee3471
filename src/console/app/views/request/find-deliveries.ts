import type { AuditEntry, RequestFound } from '../../../../index.js';
import { effectiveEnd } from '../../../../internal/page.js';
import type { AccessClient } from '../../../../client.js';
import { statusOf } from '../../parts/problem.js';

/*
 * Deliveries to external systems are in no record of a request: each entry names a person and a scope. So these are the deliveries for the
 * person and the scopes of the grants, from their issue until an hour after the last end.
 */

const PAGE = 1_000;

/** How many pages of the journal are read for one request. */
const MOST_PAGES = 10;

/** How long after the end of a grant its delivery still belongs to it. The clocks of two processes may differ by a minute. Milliseconds. */
const AFTER_MS = 3_600_000;
const APART_MS = 60_000;

type Journal = Pick<AccessClient, 'journal'>;

/** `isWhole` is false if the journal has more entries of that time than are read. */
export async function deliveriesOf(
  client: Journal,
  { grants }: Pick<RequestFound, 'grants'>,
): Promise<{ readonly entries: readonly AuditEntry[]; readonly isWhole: boolean }> {
  const from = Math.min(...grants.map(({ issuedAt }) => issuedAt)) - APART_MS;
  const until = Math.max(...grants.map((grant) => effectiveEnd(grant))) + AFTER_MS;
  const isOne = ({ type, at, data }: AuditEntry) =>
    type.startsWith('provisioning.') &&
    at >= from &&
    at < until &&
    grants.some(({ subject, scope }) => data['subject'] === subject && data['scope'] === scope);
  const entries: AuditEntry[] = [];
  let after: number | string = await placeBefore(client, from);
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const page = await client.journal({ after, limit: PAGE });
    entries.push(...page.items.filter(isOne));
    if (page.next === undefined || (page.items.at(-1)?.at ?? 0) >= until) return { entries, isWhole: true };
    after = page.next;
  }
  return { entries, isWhole: false };
}

/** The number of the last entry before an instant, found by halves. */
async function placeBefore(client: Journal, at: number): Promise<number> {
  const isEarlier = async (after: number): Promise<boolean> => {
    try {
      const [entry] = (await client.journal({ after, limit: 1 })).items;
      return entry !== undefined && entry.at < at;
    } catch (error) {
      // A purge has removed it, so it is older than the remaining entries.
      if (statusOf(error) === 410) return true;
      throw error;
    }
  };
  let before = 0;
  let last = (await client.journal({ limit: 1 })).head.seq;
  while (before < last) {
    const middle = Math.floor((before + last) / 2);
    if (await isEarlier(middle)) before = middle + 1;
    else last = middle;
  }
  return before;
}
