import type { Change } from './types.js';

/*
 * What an event makes old: the one list. An answer about one record is old after an event that names it.
 */

/** Events with which a request may enter an inbox, or which are a new fact about another request there. */
const ENTERS = /^(request\.(created|assigned|stepped|escalated|denied)|grant\.issued|lock\..*)$/;

type OldBy = (change: Change) => boolean;

/** The kinds of answers about all subjects, which an event of its type makes old. */
export const OLD_BY = {
  held: ({ type }) => /^(grant\.(?!seen|warned)|lock\.)/.test(type),
  inbox: ({ type }) => ENTERS.test(type),
  locks: ({ type }) => type.startsWith('lock.'),
  reviews: ({ type }) => /^(request\.approved$|breakGlass\.)/.test(type),
  /** What rules and locks say: no event about a request changes it. */
  rules: ({ type }) => type.startsWith('lock.'),
  /** No event: it is read each minute. */
  none: () => false,
} as const satisfies Record<string, OldBy>;

/** Whether an event names a record that is shown. */
export const names = (ids: Iterable<string | undefined>, { requestId, grantId }: Change): boolean => {
  for (const id of ids) if (id !== undefined && (id === requestId || id === grantId)) return true;
  return false;
};
