import { CorruptError, PurgedError } from '../core/errors.js';
import { invalid, readCount, readOptions } from '../core/parse.js';
import { wasHeldAt, wasHeldDuring, type GrantStatus, type GrantUse, type RequestStatus } from '../lifecycle/status.js';
import type { MaybePromise, Page } from '../core/ports.js';
import type { FindQuery, Row } from '../core/store-port.js';
import { decodeGrant, decodeRequest, hasUsageRow, MAX_LOOK, placeOf, readPlace, type AccessRequest, type Grant } from '../records/index.js';
import { readPattern, readScope } from '../core/scope.js';
import { nextTurn } from '../core/time.js';
import { readInstant, type Instant } from '../core/instant.js';
import type { DecodeAll } from '../kernel/enforcement.js';
import { withUsage } from '../kernel/grant-use.js';
import { readHorizon } from '../kernel/horizon.js';
import type { Kernel } from '../kernel/kernel.js';
import { grantWithStatus, requestWithStatus, type GrantWithStatus, type RequestWithStatus } from './with-status.js';

/** Selects a page of a list. */
export interface Paging {
  /** The `next` of the previous page. One call reads at most 1,000 records, so a page with a `next` may be short or empty. */
  readonly after?: string | undefined;
  /** The greatest number of records, 1 to 1,000. Default: 100. */
  readonly limit?: number | undefined;
}

export interface RequestQuery extends Paging {
  /** Selects the requests for this subject. */
  readonly subject?: string | undefined;
  /** The status at the engine's clock reading, whether or not a sweep has recorded it. */
  readonly status?: RequestStatus | undefined;
}

export interface GrantQuery<Scope extends string = string> extends Paging {
  /** Selects the grants of this subject. */
  readonly subject?: string | undefined;
  /** Selects the grants of exactly this scope, not those of a pattern that covers it. */
  readonly scope?: Scope | undefined;
  /** The status at the engine's clock reading, whether or not a sweep has recorded it. */
  readonly status?: GrantStatus | undefined;
}

export interface HolderQuery<Scope extends string = string> extends Paging {
  /** The scope that the grants covered. */
  readonly scope: Scope;
  /** The instant, not in the future. Epoch milliseconds or a `Date`. */
  readonly at: Instant;
}

export interface HistoryQuery<Scope extends string = string> extends Paging {
  /** Selects the grants of this subject. */
  readonly subject?: string | undefined;
  /** Selects the grants that cover this scope. */
  readonly scope?: Scope | undefined;
  /** The start of the span, not in the future. Epoch milliseconds or a `Date`. */
  readonly from: Instant;
  /** The end of the span, exclusive. Epoch milliseconds or a `Date`. */
  readonly to: Instant;
}

/** A malformed row throws: an answer about the past without that record would be wrong. */
const decodeStrictly: DecodeAll = (rows, decode) => rows.map(decode);

const REQUEST_STATUSES: readonly unknown[] = ['pending', 'approved', 'denied', 'cancelled', 'expired'] satisfies RequestStatus[];
const GRANT_STATUSES: readonly unknown[] = ['scheduled', 'active', 'expired', 'revoked'] satisfies GrantStatus[];

/** A request with its grants. `undefined`: there is no such request. */
export async function getRequest(
  kernel: Kernel,
  id: string,
): Promise<{ readonly request: RequestWithStatus; readonly grants: readonly GrantWithStatus[] } | undefined> {
  const reading = kernel.clock.read();
  const found = await kernel.ledger.sinkContext.request(id);
  if (found === undefined) return undefined;
  const uses = await usesOf(kernel, found.grants);
  // A purge, which removes a request and its grants in one commit, ran between the two reads.
  if (uses.length < found.grants.length) return undefined;
  return { request: requestWithStatus(found.request, reading), grants: uses.map((use) => grantWithStatus(use, reading)) };
}

/** A grant with its status. `undefined`: there is no such grant. */
export async function getGrant(kernel: Kernel, id: string): Promise<GrantWithStatus | undefined> {
  const reading = kernel.clock.read();
  const row = await kernel.ledger.row('grant', id);
  const [use] = row === undefined ? [] : await usesOf(kernel, [decodeGrant(row)]);
  return use && grantWithStatus(use, reading);
}

/** A page of requests, the newest first: all, or those of a subject or with a status. */
export async function listRequests(kernel: Kernel, query: RequestQuery): Promise<Page<RequestWithStatus>> {
  const { subject, status, ...paging } = readOptions('query', query, ['subject', 'status', 'after', 'limit']);
  const hasWantedStatus = readStatus('a request status', REQUEST_STATUSES, status);
  const reading = kernel.clock.read();
  const select = (requests: readonly AccessRequest[]) =>
    requests.map((request) => requestWithStatus(request, reading)).filter(hasWantedStatus);
  return collect(kernel, { kind: 'request', subject: readSubject(kernel, subject) }, paging, decodeRequest, select);
}

/** A page of grants, the newest first: all, or those of a subject, of a scope or with a status. */
export async function listGrants(kernel: Kernel, query: GrantQuery): Promise<Page<GrantWithStatus>> {
  const { subject, scope, status, ...paging } = readOptions('query', query, ['subject', 'scope', 'status', 'after', 'limit']);
  const hasWantedStatus = readStatus('a grant status', GRANT_STATUSES, status);
  const granted = scope === undefined ? undefined : readPattern('scope', scope);
  const reading = kernel.clock.read();
  const select = async (grants: readonly Grant[]) =>
    (await usesOf(kernel, grants)).map((use) => grantWithStatus(use, reading)).filter(hasWantedStatus);
  return collect(kernel, { kind: 'grant', subject: readSubject(kernel, subject), scope: granted }, paging, decodeGrant, select);
}

function readStatus(rule: string, statuses: readonly unknown[], wanted: unknown): (record: { readonly status: string }) => boolean {
  if (wanted !== undefined && !statuses.includes(wanted)) throw invalid('status', rule, wanted);
  return ({ status }) => wanted === undefined || status === wanted;
}

/** The grants that covered a scope at an instant. */
export async function whoHadAccess(kernel: Kernel, query: HolderQuery): Promise<Page<GrantWithStatus>> {
  const read = readOptions('query', query, ['scope', 'at', 'after', 'limit']);
  const at = readInstant('at', read.at);
  readPast(kernel, 'at', at);
  const covers = coverageOfScope(kernel, read.scope);
  const isWanted = ({ grant, usage }: GrantUse) => covers(grant) && wasHeldAt(grant, at, usage);
  return grantsDuring(kernel, { from: at, until: at + 1 }, undefined, read, isWanted);
}

/** The grants that were held at some time in a span. */
export async function history(kernel: Kernel, query: HistoryQuery): Promise<Page<GrantWithStatus>> {
  const read = readOptions('query', query, ['subject', 'scope', 'from', 'to', 'after', 'limit']);
  const from = readInstant('from', read.from);
  const to = readInstant('to', read.to);
  if (to <= from) throw invalid('to', 'an instant after from', to);
  // Grants that begin in the future do not belong to the history.
  const until = Math.min(to, readPast(kernel, 'from', from) + 1);
  const covers = read.scope === undefined ? () => true : coverageOfScope(kernel, read.scope);
  const isWanted = ({ grant, usage }: GrantUse) => covers(grant) && wasHeldDuring(grant, from, until, usage);
  return grantsDuring(kernel, { from, until }, readSubject(kernel, read.subject), read, isWanted);
}

/**
 * Refuses an instant in the future: a grant that covers it may still be issued or revoked. After a step back of the clock,
 * instants up to the high-water mark count as past, because this engine has judged by them.
 *
 * @returns the last instant of the past
 */
function readPast({ clock }: Kernel, argument: string, at: number): number {
  const { highWater } = clock.read();
  if (at > highWater) throw invalid(argument, 'an instant that is not in the future', at);
  return highWater;
}

const readSubject = ({ settings }: Kernel, subject: unknown): string | undefined =>
  subject === undefined ? undefined : settings.readId('subject', subject);

function coverageOfScope({ settings }: Kernel, given: unknown): (grant: Grant) => boolean {
  const scope = readScope('scope', given);
  return (grant) => settings.covers(grant.scope, scope);
}

/** Reads the horizon after the rows: a purge that began in between makes the query fail instead of answering from half of the rows. */
async function grantsDuring(
  kernel: Kernel,
  during: { readonly from: number; readonly until: number },
  subject: string | undefined,
  paging: Partial<Record<keyof Paging, unknown>>,
  isWanted: (grant: GrantUse) => boolean,
): Promise<Page<GrantWithStatus>> {
  const reading = kernel.clock.read();
  const page = await collect(kernel, { kind: 'grant', subject, during }, paging, decodeGrant, async (grants) => {
    const uses = await usesOf(kernel, grants);
    return uses.filter(isWanted).map((use) => grantWithStatus(use, reading));
  });
  const horizon = await readHorizon(kernel.ledger);
  if (during.from < horizon) throw new PurgedError(horizon);
  return page;
}

/** Reads a usage row only where no end is recorded: its idle end may have ended the grant before a sweep records that. */
async function usesOf(kernel: Kernel, grants: readonly Grant[]): Promise<readonly GrantUse[]> {
  const counted = grants.filter((grant) => grant.end === undefined && hasUsageRow(grant));
  const rows = await kernel.ledger.rows(counted.map(({ id }) => ({ kind: 'usage', id })));
  const usages = new Map(rows.map((row) => [row?.id, row]));
  const uses = grants.map((grant) => withUsage(grant, usages.get(grant.id), decodeStrictly));
  const withoutUsage = uses.filter(({ grant, usage }) => grant.end === undefined && hasUsageRow(grant) && usage === undefined);
  const purged = await purgedAmong(
    kernel,
    withoutUsage.map(({ grant }) => grant),
  );
  return uses.filter(({ grant }) => !purged.has(grant.id));
}

/**
 * One commit writes a grant and its usage, and one commit removes both. A grant that was read without its usage was purged
 * between the two reads. It had ended before any instant that a query may name (L33).
 *
 * @throws CorruptError where the grant is still there
 */
async function purgedAmong({ ledger }: Kernel, grants: readonly Grant[]): Promise<ReadonlySet<string>> {
  const rows = await ledger.rows(grants.map(({ id }) => ({ kind: 'grant', id })));
  const kept = rows.find((row) => row !== undefined);
  if (kept !== undefined) throw new CorruptError('usage', kept.id, 'is missing or belongs to another grant');
  return new Set(grants.map(({ id }) => id));
}

/**
 * A page of the selected records, the newest first. It stops when it has read 1,000 rows (L42). So a page that is short or
 * empty may still have a `next`.
 */
async function collect<T extends AccessRequest | Grant, Selected extends T>(
  { ledger }: Kernel,
  query: Omit<FindQuery, 'after' | 'limit' | 'order'>,
  { after, limit: given = 100 }: Partial<Record<keyof Paging, unknown>>,
  decode: (row: Row) => T,
  select: (records: readonly T[]) => MaybePromise<readonly Selected[]>,
): Promise<Page<Selected>> {
  const limit = readCount('limit', given, 1, 1_000);
  if (after !== undefined) readPlace(after);
  const items: Selected[] = [];
  for (let from = after as string | undefined, looked = 0; ;) {
    const page = await ledger.find({ ...query, order: 'newest', after: from, limit: limit + 1 });
    items.push(...(await select(decodeStrictly(page.items, decode))));
    const last = items[limit - 1];
    if (items.length > limit && last !== undefined) return { items: items.slice(0, limit), next: nextOf(last) };
    // A short page with a `next` means that the store has read its maximum of rows.
    looked += page.items.length > limit ? page.items.length : MAX_LOOK;
    if (page.next === undefined || looked >= MAX_LOOK) return { items, next: page.next };
    from = page.next;
    await nextTurn();
  }
}

const nextOf = (record: AccessRequest | Grant): string =>
  placeOf({ createdAt: record.kind === 'request' ? record.createdAt : record.issuedAt, sortAt: undefined, id: record.id }, 'newest');
