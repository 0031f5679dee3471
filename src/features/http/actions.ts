/**
 * What the option `may` permits. Each name is the verb that the call leads to.
 *
 * - `requestFor`: ask for access, amend or extend it, or use break-glass, for another subject. Asked at each of these calls.
 * - `viewRequest`: see any request, its timeline and its grants.
 * - `cancelFor`: cancel the request of another caller, on behalf of its subject.
 * - `listRequests`, `listGrants`: list those of any subject.
 * - `breakGlassReviews`: list all pending break-glass reviews.
 * - `viewStats`: read how much waits, and how far the sweep and the sinks are behind.
 * - `readJournal`: read every entry of the journal, with the comments of reviewers.
 */
export type HttpAction =
  | 'requestFor'
  | 'viewRequest'
  | 'cancelFor'
  | 'listRequests'
  | 'listGrants'
  | 'breakGlassReviews'
  | 'revoke'
  | 'revokeAll'
  | 'lock'
  | 'unlock'
  | 'listLocks'
  | 'whoHadAccess'
  | 'history'
  | 'accessReport'
  | 'viewStats'
  | 'journalHead'
  | 'readJournal'
  | 'verifyJournal'
  | 'viewEvents';

/**
 * The actions of a page without a record: its views, asks for others, and the buttons that end the access of others. `views` asks `may`
 * for each.
 */
export const PAGE_ACTIONS = [
  'requestFor',
  'listRequests',
  'listGrants',
  'breakGlassReviews',
  'listLocks',
  'whoHadAccess',
  'history',
  'accessReport',
  'viewStats',
  'journalHead',
  'readJournal',
  'verifyJournal',
  'revoke',
  'revokeAll',
  'lock',
  'unlock',
] as const satisfies readonly HttpAction[];
