/**
 * Every type of entry, and its effect on access: it may give access, may end access, or does neither. This is the only list.
 * The union type and the set of known types are derived from it. The compiler checks other tables by type against it.
 */
export const ENTRY_TYPES = {
  'request.created': 'neither',
  'request.assigned': 'neither',
  'request.reused': 'neither',
  'request.reviewed': 'neither',
  'request.stepped': 'neither',
  'request.escalated': 'neither',
  'request.reminded': 'neither',
  'request.commented': 'neither',
  'request.approved': 'neither',
  'request.denied': 'neither',
  'request.cancelled': 'neither',
  'request.expired': 'neither',
  'grant.issued': 'gives',
  'grant.activated': 'gives',
  'grant.extended': 'neither',
  'grant.warned': 'neither',
  'grant.used': 'neither',
  'grant.seen': 'neither',
  'grant.expired': 'ends',
  'grant.revoked': 'ends',
  'usage.closed': 'neither',
  'breakGlass.overdue': 'neither',
  'breakGlass.reviewed': 'neither',
  'provisioning.intended': 'neither',
  'provisioning.failed': 'neither',
  'provisioning.done': 'neither',
  'provisioning.stuck': 'neither',
  'provisioning.retried': 'neither',
  'provisioning.dismissed': 'neither',
  'lock.set': 'neither',
  'lock.completed': 'neither',
  'lock.lifted': 'neither',
  'lock.expired': 'neither',
  'attempt.refused': 'neither',
  'journal.purged': 'neither',
  'journal.accepted': 'neither',
  'clock.accepted': 'neither',
} as const satisfies Readonly<Record<string, 'gives' | 'ends' | 'neither'>>;

export type EntryType = keyof typeof ENTRY_TYPES;

type ChangesAccess = { [Type in EntryType]: (typeof ENTRY_TYPES)[Type] extends 'neither' ? never : Type }[EntryType];

/** Separate, so that code that needs only these types does not carry the whole table. The compiler compares the two. */
const CHANGES_ACCESS: Readonly<Record<ChangesAccess, true>> = {
  'grant.issued': true,
  'grant.activated': true,
  'grant.expired': true,
  'grant.revoked': true,
};

export const isEntryType = (type: unknown): type is EntryType => typeof type === 'string' && Object.hasOwn(ENTRY_TYPES, type);

/** Whether an entry of this type may give or end access. False for a type that this version does not know. */
export const changesAccess = (type: string): boolean => Object.hasOwn(CHANGES_ACCESS, type);
