/**
 * The operations of the handler: method, path below `<baseUrl>/v1`, and what the operation takes and gives. `key`: an Idempotency-Key.
 * `query`: a query. `pages`: its answer is a page. `items`: a whole list. A test compares the table with the handler's own.
 */
export const ROUTES = {
  health: 'GET /health',
  openapi: 'GET /openapi.json',
  status: 'GET /me',
  requestable: 'GET /me/requestable',
  canAsk: 'GET /me/can-ask?scope={}',
  requestAccess: 'POST /requests key',
  listRequests: 'GET /requests query pages',
  getRequest: 'GET /requests/{}',
  getTimeline: 'GET /requests/{}/timeline',
  amend: 'POST /requests/{}/amend key',
  cancel: 'POST /requests/{}/cancel',
  comment: 'POST /requests/{}/comments key',
  extendRequest: 'POST /requests/{}/extend key',
  releaseRequest: 'POST /requests/{}/release',
  inbox: 'GET /inbox query pages',
  approve: 'POST /requests/{}/approve',
  deny: 'POST /requests/{}/deny',
  listGrants: 'GET /grants query pages',
  getGrant: 'GET /grants/{}',
  extendGrant: 'POST /grants/{}/extend key',
  releaseGrant: 'POST /grants/{}/release',
  breakGlass: 'POST /break-glass key',
  listBreakGlassReviews: 'GET /break-glass/reviews query items',
  reviewBreakGlass: 'POST /break-glass/{}/review',
  openLink: 'POST /links/open',
  redeemLink: 'POST /links/redeem',
  revoke: 'POST /grants/{}/revoke',
  revokeAll: 'POST /revocations',
  lock: 'POST /locks key',
  listLocks: 'GET /locks items',
  unlock: 'POST /locks/{}/unlock',
  whoHadAccess: 'GET /holders query pages',
  history: 'GET /history query pages',
  accessReport: 'GET /access-report query',
  journalHead: 'GET /journal/head',
  verifyJournal: 'GET /journal/verification query',
} as const;

/** A method that sends one call. */
export type RouteId = keyof typeof ROUTES;
