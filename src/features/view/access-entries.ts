import { isInstant } from '../../core/instant.js';
import { isActor } from '../../core/parse.js';
import { isPattern, isScope } from '../../core/scope.js';
import { isEntryType, isObject, type EntryType, type Grant, type Locks, type UnlinkedEntry } from '../../records/index.js';

/** What an entry of the journal means for a copy of the live grants. */
export type AccessChange =
  /** A pair has a grant that only time decides, or may have more than that: `isPlain` is false. */
  | {
      readonly kind: 'issued';
      readonly subject: string;
      readonly scope: string;
      readonly grantId: string;
      readonly from: number;
      readonly until: number;
      readonly isPlain: boolean;
    }
  | { readonly kind: 'ended'; readonly subject: string; readonly scope: string; readonly grantId: string }
  /** The rows of a pair have changed. */
  | { readonly kind: 'changed'; readonly subject: string; readonly scope: string }
  /** The rows of a grant have changed. If the copy does not keep them, nothing that it keeps has changed. */
  | { readonly kind: 'used'; readonly grantId: string }
  /** A grant has changed in a way that this version does not know. */
  | { readonly kind: 'unknown grant'; readonly grantId: string }
  /** `version`: that of the row of all open locks. */
  | { readonly kind: 'locks'; readonly version: number }
  /** Anything may have changed. */
  | { readonly kind: 'unknown' };

const UNKNOWN: AccessChange = Object.freeze({ kind: 'unknown' });

/**
 * @returns `undefined`: the entry changes no answer of a check. The warning and the extension of a grant change its record, and never
 *   its window
 */
export function accessChangeOf(entry: UnlinkedEntry): AccessChange | undefined {
  if (!isObject(entry) || entry.v !== 1 || !isObject(entry.data)) return UNKNOWN;
  const { type, grantId } = entry;
  if (!isEntryType(type)) return typeof grantId === 'string' ? { kind: 'unknown grant', grantId } : UNKNOWN;
  if (type.startsWith('lock.')) return locksIn(entry.data);
  // A person accepted another history than the one that was followed.
  if (type === 'journal.accepted') return UNKNOWN;
  if (!OF_GRANTS.has(type)) return undefined;
  if (typeof grantId !== 'string') return UNKNOWN;
  if (type === 'grant.used' || type === 'usage.closed') return { kind: 'used', grantId };
  const { subject, scope } = entry.data;
  // The granted scope may be a pattern.
  if (!isActor(subject) || !isPattern(scope)) return { kind: 'unknown grant', grantId };
  const pair = { subject: subject as string, scope };
  if (type === 'grant.activated') return { kind: 'changed', ...pair };
  return type === 'grant.issued'
    ? { kind: 'issued', ...pair, grantId, ...windowIn(entry.data, scope) }
    : { kind: 'ended', ...pair, grantId };
}

const OF_GRANTS: ReadonlySet<EntryType> = /* @__PURE__ */ new Set([
  'grant.issued',
  'grant.activated',
  'grant.expired',
  'grant.revoked',
  'grant.used',
  'usage.closed',
] as const);

const locksIn = ({ version }: Partial<Locks>): AccessChange =>
  Number.isSafeInteger(version) ? { kind: 'locks', version: version as number } : UNKNOWN;

function windowIn(data: Partial<Grant>, scope: string): { readonly from: number; readonly until: number; readonly isPlain: boolean } {
  const { startsAt: from, expiresAt: until, asksAtStart, idleTtlMs, maxUses } = data;
  if (!isInstant(from) || !isInstant(until)) return { from: 0, until: 0, isPlain: false };
  // A check never asks for a pattern, so no pattern has a window, as in `plainWindow`.
  return { from, until, isPlain: asksAtStart === false && idleTtlMs === undefined && maxUses === undefined && isScope(scope) };
}
