import { effectiveEnd, effectiveStart } from '../../../../internal/page.js';
import type { GrantWithStatus } from '../../../../index.js';
import { t } from '../../frame/messages.js';
import type { PersonInfo } from '../../frame/types.js';

const iso = (at: number): string => (Number.isFinite(at) ? new Date(at).toISOString() : '');

/** Grants as the lines of a table: ids, texts, and times in UTC. The first line has the names of the columns. */
export function grantRows(grants: Iterable<GrantWithStatus>, people: ReadonlyMap<string, PersonInfo>): readonly (readonly string[])[] {
  const lines = [...grants].map((grant) => [
    grant.subject,
    people.get(grant.subject)?.name ?? '',
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
  ]);
  const names = [
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
  ] as const;
  return [names.map((name) => t(`history.csv.${name}`)), ...lines];
}
