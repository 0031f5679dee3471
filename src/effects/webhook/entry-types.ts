import { invalid, readList } from '../../input.js';
import type { EntryType } from '../../records.js';

/** Every type once, and the compiler sees that none is missing. */
const ENTRY_TYPES: Readonly<Record<EntryType, true>> = {
  'request.created': true,
  'request.assigned': true,
  'request.reused': true,
  'request.reviewed': true,
  'request.escalated': true,
  'request.approved': true,
  'request.denied': true,
  'request.cancelled': true,
  'request.expired': true,
  'grant.issued': true,
  'grant.activated': true,
  'grant.extended': true,
  'grant.warned': true,
  'grant.used': true,
  'grant.expired': true,
  'grant.revoked': true,
  'usage.closed': true,
  'review.missed': true,
  'review.acknowledged': true,
  'effect.intended': true,
  'effect.failed': true,
  'effect.done': true,
  'effect.stuck': true,
  'effect.retried': true,
  'effect.dismissed': true,
  'attempt.refused': true,
  'journal.purged': true,
  'clock.accepted': true,
};

/** A misspelt type is refused: it would be a webhook that never comes. `undefined`: all of them, later ones too. */
export function readEntryTypes(argument: string, value: unknown): ReadonlySet<string> | undefined {
  if (value === undefined) return undefined;
  return new Set(
    readList(argument, value, 1).map((type, i) => {
      if (typeof type !== 'string' || !Object.hasOwn(ENTRY_TYPES, type)) throw invalid(`${argument}[${i}]`, 'a type of entry', type);
      return type;
    }),
  );
}
