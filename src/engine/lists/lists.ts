import { CorruptError } from '../../core/errors.js';
import { invalid, readOptions, readText } from '../../core/parse.js';
import { readInstant, type Instant } from '../../core/instant.js';
import { patternScopes, readPattern, readScope } from '../../core/scope.js';
import type { Page } from '../../core/ports.js';
import type { RowOrder } from '../../core/store-port.js';
import { isHeldAt, wasHeldDuring, type GrantStatus, type GrantUse, type RequestStatus } from '../../lifecycle/status.js';
import { decodeGrant, decodeRequest, hasUsageRow, type AccessRequest, type Grant } from '../../records/index.js';
import { withUsage } from '../../kernel/ledger/grant-use.js';
import { refusePurged } from '../../kernel/ledger/horizon.js';
import type { Kernel } from '../../kernel/kernel.js';
import { isBuiltIn } from '../../kernel/settings/enforcement.js';
import type { RowReader } from '../../kernel/ledger/ledger-reads.js';
import type { BreakGlassReviewItem } from '../answers.js';
import { grantsCiting } from '../endings/ticket-target.js';
import { listPendingReviews, type BreakGlassReviewQuery } from './break-glass-list.js';
import { collect, decodeStrictly, readOrder, readQuery, readSpan, readSubject, type Paging } from './collect.js';
import { withOutcomes } from './outcomes.js';
import { grantWithStatus, requestWithStatus, type GrantWithStatus, type ListedRequest } from '../with-status.js';

/**
 * Selects requests. `subject`, `from`, `to` and a status that no pending request has are looked up; every other condition is
 * applied to what that look-up gives. One call reads at most 1,000 records of it.
 */
export interface RequestQuery<Scope extends string = string> extends Paging {
  /** Selects the requests for this subject. */
  readonly subject?: string | undefined;
  /** Selects the requests that this caller made, for itself or for others. */
  readonly requestedBy?: string | undefined;
  /** Selects the requests that ask for exactly this scope, not those for a pattern that covers it. */
  readonly scope?: Scope | undefined;
  /** Selects the requests that cite exactly this ticket. */
  readonly ticket?: string | undefined;
  /** The status at the engine's clock reading, whether or not a sweep has recorded it. */
  readonly status?: RequestStatus | undefined;
  /** Selects the requests made at or after this instant. Epoch milliseconds or a `Date`. */
  readonly from?: Instant | undefined;
  /** Selects the requests made before this instant. Epoch milliseconds or a `Date`. */
  readonly to?: Instant | undefined;
  /**
   * `'newest'` or `'oldest'`: by creation. `'due'`: by the deadline of the pending review, the first due first, and only requests
   * with one; that includes approved break-glass requests whose review is pending. Default: `'newest'`.
   */
  readonly order?: RowOrder | undefined;
}

/** Selects grants. `subject` and `scope` are looked up, see {@link RequestQuery}. */
export interface GrantQuery<Scope extends string = string> extends Paging {
  /** Selects the grants of this subject. */
  readonly subject?: string | undefined;
  /** Selects the grants of exactly this scope, not those of a pattern that covers it. */
  readonly scope?: Scope | undefined;
  /** The status at the engine's clock reading, whether or not a sweep has recorded it. `'open'`: scheduled or active. */
  readonly status?: GrantStatus | 'open' | undefined;
  /**
   * Selects the grants that were held at this instant of the past, or, as known now, will be at one of the future. Epoch
   * milliseconds or a `Date`.
   */
  readonly at?: Instant | undefined;
  /** Selects the grants that cover this scope, also those of a pattern. */
  readonly covering?: Scope | undefined;
  /**
   * Selects the grants that allow a scope which this pattern, or one of at most 8 patterns, reaches. Not together with `covering`. Only
   * for `exactScopes` and `patternScopes`: another matcher may give wildcards another meaning.
   */
  readonly overlapping?: string | readonly string[] | undefined;
  /** Selects the grants that were held at some time of this span. Not together with `at`, `status`, `scope` or the order `'due'`. */
  readonly during?: HeldDuring | undefined;
  /** Selects the grants of requests that cite exactly this ticket, and the extensions of these grants. */
  readonly ticket?: string | undefined;
  /**
   * `'newest'` or `'oldest'`: by the instant of issue. `'due'`: by `expiresAt`, the first first, and only grants without a recorded
   * end. Default: `'newest'`.
   */
  readonly order?: RowOrder | undefined;
}

/** A span in which grants were held. */
export interface HeldDuring {
  /** The start of the span, not in the future. Epoch milliseconds or a `Date`. */
  readonly from: Instant;
  /** The end of the span, exclusive. An end in the future counts as the present. Epoch milliseconds or a `Date`. */
  readonly to: Instant;
}

const REQUEST_FIELDS = [
  'subject',
  'requestedBy',
  'scope',
  'ticket',
  'status',
  'from',
  'to',
  'order',
  'after',
  'limit',
] as const satisfies readonly (keyof RequestQuery)[];

const GRANT_FIELDS = [
  'subject',
  'scope',
  'status',
  'at',
  'covering',
  'overlapping',
  'during',
  'ticket',
  'order',
  'after',
  'limit',
] as const satisfies readonly (keyof GrantQuery)[];

/**
 * Which rows can have a status. `undefined`: open and closed ones. Time alone ends a record without closing its row, and an approved
 * request stays open while its break-glass review is pending.
 */
const OPEN_REQUESTS: Readonly<Record<RequestStatus, boolean | undefined>> = {
  pending: true,
  approved: undefined,
  denied: false,
  cancelled: false,
  expired: undefined,
};
const OPEN_GRANTS: Readonly<Record<NonNullable<GrantQuery['status']>, boolean | undefined>> = {
  scheduled: true,
  active: true,
  expired: undefined,
  revoked: false,
  open: true,
};

/** A page of requests. @param next the place of a later page than that of the query */
export async function listRequests(
  kernel: Kernel,
  query: RequestQuery | BreakGlassReviewQuery,
  next?: string,
): Promise<Page<ListedRequest | BreakGlassReviewItem>> {
  const given = readQuery<keyof RequestQuery | 'afterReview'>(query, [...REQUEST_FIELDS, 'afterReview'], next);
  if (given.afterReview !== undefined) return listPendingReviews(kernel, query, next);
  const status = readStatus<RequestStatus>(OPEN_REQUESTS, given.status);
  const requestedBy = given.requestedBy === undefined ? undefined : kernel.settings.readId('requestedBy', given.requestedBy);
  const scope = given.scope === undefined ? undefined : readPattern('scope', given.scope);
  const ticket = readText('ticket', given.ticket);
  const isWanted = (request: AccessRequest): boolean =>
    (requestedBy === undefined || request.requestedBy === requestedBy) &&
    (scope === undefined || request.scopes.includes(scope)) &&
    (ticket === undefined || request.ticket === ticket);
  const asked = {
    kind: 'request',
    subject: readSubject(kernel, given.subject),
    open: status && OPEN_REQUESTS[status],
    span: readSpan(given),
    order: readOrder(given.order),
  };
  const reading = kernel.clock.read();
  return collect(kernel, asked, given, decodeRequest, async (requests) => {
    const listed = requests.filter(isWanted).map((request) => requestWithStatus(request, reading));
    const wanted = listed.filter((request) => status === undefined || request.status === status);
    return withOutcomes(kernel, wanted, reading);
  });
}

/** A page of grants. @param next the place of a later page than that of the query */
export async function listGrants(kernel: Kernel, query: GrantQuery, next?: string): Promise<Page<GrantWithStatus>> {
  const given = readQuery<keyof GrantQuery>(query, GRANT_FIELDS, next);
  const status = readStatus<NonNullable<GrantQuery['status']>>(OPEN_GRANTS, given.status);
  const at = given.at === undefined ? undefined : readInstant('at', given.at);
  const held = given.during === undefined ? undefined : readHeldDuring(kernel, given);
  const { covering, overlapping } = given;
  if (covering !== undefined && overlapping !== undefined) throw invalid('overlapping', 'omitted if `covering` is given', overlapping);
  const overlaps = overlapping === undefined ? () => true : overlapOfPattern(kernel, overlapping, 'overlapping');
  const covers = covering === undefined ? overlaps : coverageOfScope(kernel, covering, 'covering');
  const ticket = readText('ticket', given.ticket);
  const asked = {
    kind: 'grant',
    subject: readSubject(kernel, given.subject),
    scope: given.scope === undefined ? undefined : readPattern('scope', given.scope),
    open: status && OPEN_GRANTS[status],
    during: held ?? (at === undefined ? undefined : { from: at, until: at + 1 }),
    span: readSpan({}),
    order: readOrder(given.order),
  };
  const reading = kernel.clock.read();
  const isWanted = (use: GrantUse): boolean =>
    (at === undefined || isHeldAt(use, at, reading)) && (held === undefined || wasHeldDuring(use.grant, held.from, held.until, use.usage));
  const page = await collect(kernel, asked, given, decodeGrant, async (grants) => {
    const meant = await grantsCiting(kernel, ticket, grants.filter(covers));
    const uses = (await usesOf(kernel, meant)).filter(isWanted);
    const listed = uses.map((use) => grantWithStatus(use, reading));
    return listed.filter(
      (grant) => status === undefined || grant.status === status || (status === 'open' && OPEN_GRANTS[grant.status] === true),
    );
  });
  const earliest = held?.from ?? at;
  if (earliest !== undefined) await refusePurged(kernel.ledger, earliest);
  return page;
}

/** Reads the span of `during`. Its end is at most the present: grants that begin in the future were not held. */
function readHeldDuring(kernel: Kernel, given: Partial<Record<keyof GrantQuery, unknown>>) {
  for (const field of ['at', 'status', 'scope'] as const) {
    if (given[field] !== undefined) throw invalid(field, 'omitted if `during` is given', given[field]);
  }
  if (given.order === 'due') throw invalid('order', "'newest' or 'oldest' if `during` is given", given.order);
  const read = readOptions<keyof HeldDuring>('during', given.during, ['from', 'to']);
  const from = readInstant('during.from', read.from);
  const to = readInstant('during.to', read.to);
  if (to <= from) throw invalid('during.to', 'an instant after from', to);
  return { from, until: Math.min(to, refuseFuture(kernel, 'during.from', from) + 1) };
}

/**
 * Refuses an instant in the future: a grant that covers it may still be issued or revoked. After a step back of the clock,
 * instants up to the high-water mark count as past, because this engine has judged by them.
 *
 * @returns the last instant of the past
 */
export function refuseFuture({ clock }: Kernel, argument: string, at: number): number {
  const { highWater } = clock.read();
  if (at > highWater) throw invalid(argument, 'an instant that is not in the future', at);
  return highWater;
}

/** Whether a grant covers the scope. @throws InvalidArgumentError for a scope that no check takes */
export function coverageOfScope({ settings }: Kernel, given: unknown, argument = 'scope'): (grant: Grant) => boolean {
  const scope = readScope(argument, given);
  return (grant) => settings.covers(grant.scope, scope);
}

/** The most patterns of one query. Each is compared with each grant. */
const MAX_PATTERNS = 8;

/**
 * Whether a grant allows a scope that the pattern, or one of a list of patterns, reaches.
 *
 * @throws InvalidArgumentError for another matcher than those of this package: it may give wildcards another meaning, or none, and an
 *   answer without a holder would be false
 */
export function overlapOfPattern({ settings }: Kernel, given: unknown, argument = 'pattern'): (grant: Grant) => boolean {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length === 0 || list.length > MAX_PATTERNS) throw invalid(argument, `a pattern, or a list of 1 to ${MAX_PATTERNS}`, given);
  const patterns = list.map((one) => readPattern(argument, one));
  const { scopes } = settings;
  if (!isBuiltIn(scopes)) throw invalid(argument, `omitted: the matcher ${scopes.name} may give wildcards another meaning`, given);
  // A grant that covers not even its own scope allows nothing: one with a wildcard, where scopes are compared byte for byte.
  return ({ scope }) => scopes.covers(scope, scope) && patterns.some((pattern) => patternScopes.overlaps(pattern, scope));
}

function readStatus<Status extends string>(statuses: Readonly<Record<Status, unknown>>, wanted: unknown): Status | undefined {
  if (wanted !== undefined && !(typeof wanted === 'string' && Object.hasOwn(statuses, wanted)))
    throw invalid('status', `one of ${Object.keys(statuses).join(', ')}`, wanted);
  return wanted as Status | undefined;
}

/** Reads a usage row only if no end is recorded: its idle end may have ended the grant before a sweep records that. */
export async function usesOf(kernel: Kernel, grants: readonly Grant[], read?: RowReader): Promise<readonly GrantUse[]> {
  const counted = grants.filter((grant) => grant.end === undefined && hasUsageRow(grant));
  const rows = await (read ?? ((keys) => kernel.ledger.rows(keys)))(counted.map(({ id }) => ({ kind: 'usage', id })));
  const usages = new Map(rows.map((row) => [row?.id, row]));
  const uses = grants.map((grant) => withUsage(grant, usages.get(grant.id), decodeStrictly));
  const lacking = uses.flatMap(({ grant, usage }) => (grant.end === undefined && hasUsageRow(grant) && usage === undefined ? [grant] : []));
  const purged = await purgedAmong(kernel, lacking);
  return uses.filter(({ grant }) => !purged.has(grant.id));
}

/**
 * One commit writes a grant and its usage, and one commit removes both. A grant that was read without its usage was purged
 * between the two reads. It had ended before any instant that a query may name (L33).
 *
 * @throws CorruptError if the grant is still there
 */
async function purgedAmong({ ledger }: Kernel, grants: readonly Grant[]): Promise<ReadonlySet<string>> {
  const rows = await ledger.rows(grants.map(({ id }) => ({ kind: 'grant', id })));
  const kept = rows.find((row) => row !== undefined);
  if (kept !== undefined) throw new CorruptError('usage', kept.id, 'is missing or belongs to another grant');
  return new Set(grants.map(({ id }) => id));
}
