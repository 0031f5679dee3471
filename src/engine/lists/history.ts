import { invalid, readId, readOptions } from '../../core/parse.js';
import { lockOn } from '../../lifecycle/lock.js';
import { accessAt, isUsable, wasHeldAt, wasHeldDuring, type GrantUse } from '../../lifecycle/status.js';
import type { Page } from '../../core/ports.js';
import { decodeGrant, decodeReuse, type Grant, type RequestComment } from '../../records/index.js';
import { readScope } from '../../core/scope.js';
import { readInstant, type Instant } from '../../core/instant.js';
import { refusePurged } from '../../kernel/ledger/horizon.js';
import { derivedId } from '../../kernel/ledger/ids.js';
import { loadReadableLocks } from '../../kernel/loading/locks.js';
import type { Kernel } from '../../kernel/kernel.js';
import { readableComments } from '../requests/comments.js';
import { collect, readQuery, readSpan, type GivenPaging, type Paging } from './collect.js';
import { readSubject, usesOf } from './lists.js';
import {
  grantWithStatus,
  outcomeOf,
  requestWithStatus,
  type GrantWithStatus,
  type RequestOutcome,
  type RequestWithStatus,
} from '../with-status.js';

export interface HolderQuery<Scope extends string = string> extends Paging {
  /** The scope that the grants covered. */
  readonly scope: Scope;
  /** The instant, not in the future. Epoch milliseconds or a `Date`. Default: the present, judged like a check. */
  readonly at?: Instant | undefined;
}

/** The key of an ask. */
export interface RequestOfKey {
  /** The caller that asked. */
  readonly requestedBy: string;
  /** The key of that call. */
  readonly idempotencyKey: string;
  /** The verb of that call. The same key under two verbs names two requests. Default: `'requestAccess'`. */
  readonly verb?: 'requestAccess' | 'extend' | 'amend' | 'breakGlass' | undefined;
}

const KEYED_VERBS: readonly RequestOfKey['verb'][] = ['requestAccess', 'extend', 'amend', 'breakGlass'];

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

/** A request, its outcome and its grants, at the engine's clock reading. */
export interface RequestFound {
  readonly request: RequestWithStatus;
  readonly outcome: RequestOutcome;
  readonly grants: readonly GrantWithStatus[];
  /** The comments on the request, the oldest first. */
  readonly comments: readonly RequestComment[];
}

/** The id of the request that a key identifies. `undefined`: no ask with this key is recorded. */
async function idOfKey({ ledger, settings }: Kernel, given: RequestOfKey): Promise<string | undefined> {
  const read = readOptions<keyof RequestOfKey>('request', given, ['requestedBy', 'idempotencyKey', 'verb']);
  const requestedBy = settings.readId('requestedBy', read.requestedBy);
  const key = readId('idempotencyKey', read.idempotencyKey);
  const { verb = 'requestAccess' } = read;
  if (!KEYED_VERBS.includes(verb as never)) throw invalid('verb', `one of ${KEYED_VERBS.join(', ')}`, verb);
  const id = derivedId(ledger.store.namespace, verb as string, requestedBy, key);
  const [request, reuse] = await ledger.rows([
    { kind: 'request', id },
    { kind: 'reuse', id },
  ]);
  if (request !== undefined) return id;
  return reuse && decodeReuse(reuse).requestId;
}

/** A request with its grants, by its id or by the key of an ask. `undefined`: there is no such request. */
export async function findRequest(kernel: Kernel, request: string | RequestOfKey): Promise<RequestFound | undefined> {
  const id = typeof request === 'object' && request !== null ? await idOfKey(kernel, request) : readId('requestId', request);
  return id === undefined ? undefined : getRequest(kernel, id);
}

/** A request with its grants. `undefined`: there is no such request. */
async function getRequest(kernel: Kernel, id: string): Promise<RequestFound | undefined> {
  // Before the request: a purge, which removes the comments with their request, then leaves no request without its comments.
  const commentsOf = await readableComments(kernel, [id]);
  const reading = kernel.clock.read();
  const found = await kernel.ledger.sinkContext.request(id);
  if (found === undefined) return undefined;
  const uses = await usesOf(kernel, found.grants);
  // A purge, which removes a request and its grants in one commit, ran between the two reads.
  if (uses.length < found.grants.length) return undefined;
  const request = requestWithStatus(found.request, reading);
  const outcome = outcomeOf(request, accessAt(uses, reading).hasEnded);
  return { request, outcome, grants: uses.map((use) => grantWithStatus(use, reading)), comments: commentsOf(id) };
}

/** A grant with its status. `undefined`: there is no such grant. */
export async function getGrant(kernel: Kernel, id: string): Promise<GrantWithStatus | undefined> {
  const reading = kernel.clock.read();
  const row = await kernel.ledger.row('grant', id);
  const [use] = row === undefined ? [] : await usesOf(kernel, [decodeGrant(row)]);
  return use && grantWithStatus(use, reading);
}

/** The grants that covered a scope at an instant, or that allow it now. */
export async function whoHadAccess(kernel: Kernel, query: HolderQuery, next?: string): Promise<Page<GrantWithStatus>> {
  const read = readQuery<keyof HolderQuery>(query, ['scope', 'at', 'after', 'limit'], next);
  if (read.at === undefined) return holders(kernel, read.scope, read);
  const at = readInstant('at', read.at);
  readPast(kernel, 'at', at);
  const covers = coverageOfScope(kernel, read.scope);
  const isWanted = ({ grant, usage }: GrantUse) => covers(grant) && wasHeldAt(grant, at, usage);
  return grantsDuring(kernel, { from: at, until: at + 1 }, undefined, read, isWanted);
}

/** The grants by which a check of the scope allows now. */
async function holders(kernel: Kernel, scope: unknown, paging: GivenPaging): Promise<Page<GrantWithStatus>> {
  const covers = coverageOfScope(kernel, scope);
  const { now } = kernel.clock.read();
  const asked = { kind: 'grant', open: true, during: { from: now, until: now + 1 }, span: readSpan({}), order: 'newest' } as const;
  // Before the grants: a lock may end them and be lifted in between.
  const locks = await loadReadableLocks(kernel, 'whoHadAccess');
  return collect(kernel, asked, paging, decodeGrant, async (grants) => {
    const uses = await usesOf(kernel, grants.filter(covers));
    const reading = kernel.clock.read();
    // Unreadable locks deny every check.
    const isAllowed = (use: GrantUse) =>
      locks !== undefined &&
      isUsable(use, reading) &&
      lockOn(locks, { ids: [use.grant.subject], scopes: [scope as string] }, reading.now) === undefined;
    return uses.filter(isAllowed).map((use) => grantWithStatus(use, reading));
  });
}

/** The grants that were held at some time in a span. */
export async function history(kernel: Kernel, query: HistoryQuery, next?: string): Promise<Page<GrantWithStatus>> {
  const read = readQuery<keyof HistoryQuery>(query, ['subject', 'scope', 'from', 'to', 'after', 'limit'], next);
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

function coverageOfScope({ settings }: Kernel, given: unknown): (grant: Grant) => boolean {
  const scope = readScope('scope', given);
  return (grant) => settings.covers(grant.scope, scope);
}

async function grantsDuring(
  kernel: Kernel,
  during: { readonly from: number; readonly until: number },
  subject: string | undefined,
  paging: GivenPaging,
  isWanted: (grant: GrantUse) => boolean,
): Promise<Page<GrantWithStatus>> {
  const reading = kernel.clock.read();
  const asked = { kind: 'grant', subject, during, span: readSpan({}), order: 'newest' } as const;
  const page = await collect(kernel, asked, paging, decodeGrant, async (grants) => {
    const uses = await usesOf(kernel, grants);
    return uses.filter(isWanted).map((use) => grantWithStatus(use, reading));
  });
  await refusePurged(kernel.ledger, during.from);
  return page;
}
