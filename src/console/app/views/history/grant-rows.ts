import { effectiveEnd, effectiveStart, toCsv } from '../../../../internal/page.js';
import type { GrantWithStatus } from '../../../../index.js';
import { t } from '../../frame/messages.js';

const iso = (at: number): string => (Number.isFinite(at) ? new Date(at).toISOString() : '');

/** What a file answers: it is in each row, because rows are filtered, sorted and copied elsewhere. */
export interface Asked {
  readonly question: string;
  /** When the first page was asked for. ISO 8601 in UTC. */
  readonly readAt: string;
  /** The place of the newest entry of the journal before that. Empty: the caller may not see it. */
  readonly journalHead: string;
}

const NAMES = [
  'person',
  'name',
  'scope',
  'from',
  'until',
  'status',
  'cause',
  'endedBy',
  'reason',
  'breakGlass',
  'request',
  'grant',
  'question',
  'readAt',
  'journalHead',
] as const;

export interface Part {
  /** The first part has the names of the columns. */
  readonly isFirst: boolean;
  /** The last part of an answer without a grant has one row, which has only the question. */
  readonly isLast: boolean;
}

/** Grants as a part of a CSV file: ids, texts, and times in UTC. */
export function grantCsv(
  grants: readonly GrantWithStatus[],
  nameOf: (id: string) => string | undefined,
  { question, readAt, journalHead }: Asked,
  { isFirst, isLast }: Part,
): string {
  const asked = [question, readAt, journalHead];
  const lines = grants.map((grant) => [
    grant.subject,
    nameOf(grant.subject) ?? '',
    grant.scope,
    iso(effectiveStart(grant)),
    iso(effectiveEnd(grant)),
    grant.status,
    grant.end?.cause ?? '',
    grant.end?.by ?? '',
    grant.end?.reason ?? '',
    grant.breakGlass ? 'true' : 'false',
    grant.requestId,
    grant.id,
    ...asked,
  ]);
  const none = [...Array<string>(NAMES.length - asked.length).fill(''), ...asked];
  const head = isFirst ? [NAMES.map((name) => t(`history.csv.${name}`))] : [];
  const text = toCsv([...head, ...lines, ...(isLast ? [none] : [])]);
  // Only a file begins with a byte order mark.
  return isFirst ? text : text.slice(1);
}
