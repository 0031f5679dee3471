import { CorruptError, PurgedError } from '../core/errors.js';
import { invalid, readCount, readOptions } from '../core/parse.js';
import { requestStatus, wasHeldAt, wasHeldDuring, type GrantUse, type RequestStatus } from '../lifecycle/status.js';
import type { MaybePromise, Page } from '../core/ports.js';
import type { FindQuery, Row } from '../core/store-port.js';
import { decodeGrant, decodeRequest, hasUsageRow, MAX_LOOK, placeOf, readPlace, type AccessRequest, type Grant } from '../records/index.js';
import { readScope } from '../core/scope.js';
import { nextTurn } from '../core/time.js';
import { readInstant, type Instant } from '../core/instant.js';
import type { DecodeAll } from '../kernel/enforcement.js';
import { withUsage } from '../kernel/grant-use.js';
import { readHorizon } from '../kernel/horizon.js';
import type { Kernel } from '../kernel/kernel.js';

/** Which page of a longer list. */
export interface Paging {
  /** The `next` of the page before. One call looks at no more than 1,000 records, so a page with a `next` may be short or empty. */
  readonly after?: string | undefined;
  /** The greatest number of records, 1 to 1,000. Default: 100. */
  readonly limit?: number | undefined;
}

export interface RequestQuery extends Paging {
  readonly subject?: string | undefined;
  /** The status at the engine's clock reading, whether or not a sweep has recorded it. */
  readonly status?: RequestStatus | undefined;
}

export interface HolderQuery<Scope extends string = string> extends Paging {
  readonly scope: Scope;
  /** Not in the future. Epoch milliseconds or a `Date`. */
  readonly at: Instant;
}

export interface HistoryQuery<Scope extends string = string> extends Paging {
  readonly subject?: string | undefined;
  readonly scope?: Scope | undefined;
  /** The span `[from, to)`: epoch milliseconds or `Date`s. */
  readonly from: Instant;
  readonly to: Instant;
}

/** A malformed row throws: an answer about the past that left a record out would be wrong. */
const decodeStrictly: DecodeAll = (rows, decode) => rows.map(decode);

const STATUSES: ReadonlySet<unknown> = new Set<RequestStatus>(['pending', 'approved', 'denied', 'cancelled', 'expired']);

/** The requests of a subject, or with a status, or all; the newest first. */
export async function listRequests(kernel: Kernel, query: RequestQuery): Promise<Page<AccessRequest>> {
  const { subject, status, ...paging } = readOptions('query', query, ['subject', 'status', 'after', 'limit']);
  if (status !== undefined && !STATUSES.has(status)) throw invalid('status', 'a request status', status);
  const now = kernel.clock.read().forEnds;
  const isWanted = (request: AccessRequest) => status === undefined || requestStatus(request, now) === status;
  const select = (requests: readonly AccessRequest[]) => requests.filter(isWanted);
  return collect(kernel, { kind: 'request', subject: readSubject(kernel, subject) }, paging, decodeRequest, select);
}

/** The grants that covered a scope at an instant. */
export async function whoHadAccess(kernel: Kernel, query: HolderQuery): Promise<Page<Grant>> {
  const read = readOptions('query', query, ['scope', 'at', 'after', 'limit']);
  const at = readInstant('at', read.at);
  readPast(kernel, 'at', at);
  const covers = coverageOfScope(kernel, read.scope);
  const isWanted = ({ grant, usage }: GrantUse) => covers(grant) && wasHeldAt(grant, at, usage);
  return grantsDuring(kernel, { from: at, until: at + 1 }, undefined, read, isWanted);
}

/** The grants that were held at some time in a span. */
export async function history(kernel: Kernel, query: HistoryQuery): Promise<Page<Grant>> {
  const read = readOptions('query', query, ['subject', 'scope', 'from', 'to', 'after', 'limit']);
  const from = readInstant('from', read.from);
  const to = readInstant('to', read.to);
  if (to <= from) throw invalid('to', 'an instant after from', to);
  // A grant that begins in the future is no history.
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
  if (at > highWater) throw invalid(argument, 'an instant that has come', at);
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
): Promise<Page<Grant>> {
  const page = await collect(kernel, { kind: 'grant', subject, during }, paging, decodeGrant, async (grants) => {
    const uses = await usesOf(kernel, grants);
    return uses.filter(isWanted).map(({ grant }) => grant);
  });
  const horizon = await readHorizon(kernel.ledger);
  if (during.from < horizon) throw new PurgedError(horizon);
  return page;
}

/** Reads the usage only of grants that may have ended by it before a sweep recorded that end. */
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
 * between the two reads, and had ended before any instant that a query may name.
 *
 * @throws CorruptError where the grant is still there
 */
async function purgedAmong({ ledger }: Kernel, grants: readonly Grant[]): Promise<ReadonlySet<string>> {
  const rows = await ledger.rows(grants.map(({ id }) => ({ kind: 'grant', id })));
  const kept = rows.find((row) => row !== undefined);
  if (kept !== undefined) throw new CorruptError('usage', kept.id, 'is missing, or is not that of the grant, which is there');
  return new Set(grants.map(({ id }) => id));
}

/**
 * A page of the selected records, the newest first. It reads as many pages of the store as it takes to look at 1,000 rows
 * (L42), so a page that is short or empty may still have a `next`.
 */
async function collect<T extends AccessRequest | Grant>(
  { ledger }: Kernel,
  query: Omit<FindQuery, 'after' | 'limit' | 'order'>,
  { after, limit: given = 100 }: Partial<Record<keyof Paging, unknown>>,
  decode: (row: Row) => T,
  select: (records: readonly T[]) => MaybePromise<readonly T[]>,
): Promise<Page<T>> {
  const limit = readCount('limit', given, 1, 1_000);
  if (after !== undefined) readPlace(after);
  const items: T[] = [];
  for (let from = after as string | undefined, looked = 0; ;) {
    const page = await ledger.find({ ...query, order: 'newest', after: from, limit: limit + 1 });
    items.push(...(await select(decodeStrictly(page.items, decode))));
    const last = items[limit - 1];
    if (items.length > limit && last !== undefined) return { items: items.slice(0, limit), next: nextOf(last) };
    // The store has looked at as many rows as it may where a short page has a next.
    looked += page.items.length > limit ? page.items.length : MAX_LOOK;
    if (page.next === undefined || looked >= MAX_LOOK) return { items, next: page.next };
    from = page.next;
    await nextTurn();
  }
}

const nextOf = (record: AccessRequest | Grant): string =>
  placeOf({ createdAt: record.kind === 'request' ? record.createdAt : record.issuedAt, sortAt: undefined, id: record.id }, 'newest');
