import { invalid, readId, readOptions } from '../../core/parse.js';
import { lockOn } from '../../lifecycle/lock.js';
import { accessAt, isUsable, wasHeldAt, type GrantUse } from '../../lifecycle/status.js';
import type { Page } from '../../core/ports.js';
import type { Row, RowKey } from '../../core/store-port.js';
import { isJitError } from '../../core/errors.js';
import { patternScopes } from '../../core/scope.js';
import { anyGrantIds, grantIds } from '../../lifecycle/grant.js';
import { commentId, decodeGrant, decodeRequest, decodeReuse, type Grant, type RequestComment } from '../../records/index.js';
import { readInstant, type Instant } from '../../core/instant.js';
import { refusePurged } from '../../kernel/ledger/horizon.js';
import { derivedId } from '../../kernel/ledger/ids.js';
import type { Ledger } from '../../kernel/ledger/ledger.js';
import type { RowReader } from '../../kernel/ledger/ledger-reads.js';
import { loadReadableLocks } from '../../kernel/loading/locks.js';
import type { Kernel } from '../../kernel/kernel.js';
import { readableComments } from '../requests/comments.js';
import { collect, readQuery, readSpan, type GivenPaging, type Paging } from './collect.js';
import { coverageOfScope, overlapOfPattern, refuseFuture, usesOf } from './lists.js';
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

export interface PatternQuery extends Omit<HolderQuery, 'scope'> {
  /**
   * Selects the grants that allowed a scope which this pattern, or one of at most 8 patterns, reaches. Only for `exactScopes` and
   * `patternScopes`: another matcher may give wildcards another meaning.
   */
  readonly pattern: string | readonly string[];
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

/** A request, its outcome and its grants, at the engine's clock reading. */
export interface RequestFound {
  /** The request with its status. */
  readonly request: RequestWithStatus;
  /** The state of the request, as in {@link AccessResult}. */
  readonly outcome: RequestOutcome;
  /** The grants of the request. Empty if it was not approved. */
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

/** How many grants are looked up together with their request. Most requests have no more scopes. */
const FIRST_GRANTS = 4;

/** A request with its grants. `undefined`: there is no such request. */
async function getRequest(kernel: Kernel, id: string): Promise<RequestFound | undefined> {
  const { ledger } = kernel;
  const first = anyGrantIds(id).slice(0, FIRST_GRANTS);
  const keys = [{ kind: 'comment', id: commentId(id, 1) }, { kind: 'request', id }, ...keysOfGrants(first)];
  const earliest = kernel.clock.read();
  const [comment, ...found] = await ledger.rows(keys);
  // Before the request: a purge, which removes the comments with their request, then leaves no request without its comments.
  const commentsOf = comment === undefined ? () => [] : await readableComments(kernel, [id]);
  const reading = comment === undefined ? earliest : kernel.clock.read();
  const [row, ...rows] = comment === undefined ? found : await ledger.rows(keys.slice(1));
  if (row === undefined) return undefined;
  const request = decodeRequest(row);
  const read = readingOnce(ledger, keys.slice(2), rows);
  if (request.end?.status === 'approved') await read(keysOfGrants(grantIds(request)));
  const grants = await ledger.grantsOf(request, read).catch(undefinedIfMissing);
  if (grants === undefined) return undefined;
  const uses = await usesOf(kernel, grants, read);
  // A purge, which removes a request and its grants in one commit, ran between the two reads.
  if (uses.length < grants.length) return undefined;
  const shown = requestWithStatus(request, reading);
  const outcome = outcomeOf(shown, accessAt(uses, reading).hasEnded);
  return { request: shown, outcome, grants: uses.map((use) => grantWithStatus(use, reading)), comments: commentsOf(id) };
}

const keysOfGrants = (ids: readonly string[]): readonly RowKey[] =>
  ids.flatMap((id) => [
    { kind: 'grant', id },
    { kind: 'usage', id },
  ]);

/** Reads each row once: `rows` are those with `keys`. */
function readingOnce(ledger: Ledger, keys: readonly RowKey[], rows: readonly (Row | undefined)[]): RowReader {
  const nameOf = ({ kind, id }: RowKey) => JSON.stringify([kind, id]);
  const known = new Map(keys.map((key, i) => [nameOf(key), rows[i]]));
  return async (asked) => {
    const others = asked.filter((key) => !known.has(nameOf(key)));
    for (const [i, row] of (await ledger.rows(others)).entries()) known.set(nameOf(others[i] as RowKey), row);
    return asked.map((key) => known.get(nameOf(key)));
  };
}

function undefinedIfMissing(error: unknown): undefined {
  if (!isJitError(error) || error.code !== 'ERR_JIT_NOT_FOUND') throw error;
}

/** A grant with its status. `undefined`: there is no such grant. */
export async function getGrant(kernel: Kernel, id: string): Promise<GrantWithStatus | undefined> {
  const reading = kernel.clock.read();
  const row = await kernel.ledger.row('grant', id);
  const [use] = row === undefined ? [] : await usesOf(kernel, [decodeGrant(row)]);
  return use && grantWithStatus(use, reading);
}

/** The grants that covered a scope, or a part of a pattern, at an instant, or that allow it now. */
export async function whoHadAccess(kernel: Kernel, query: HolderQuery | PatternQuery, next?: string): Promise<Page<GrantWithStatus>> {
  const read = readQuery<keyof HolderQuery | 'pattern'>(query, ['scope', 'pattern', 'at', 'after', 'limit'], next);
  const { scope, pattern } = read;
  if (scope !== undefined && pattern !== undefined) throw invalid('pattern', 'omitted if `scope` is given', pattern);
  const covers = pattern === undefined ? coverageOfScope(kernel, scope) : overlapOfPattern(kernel, pattern);
  if (read.at === undefined) return holders(kernel, covers, scope as string | undefined, read);
  const at = readInstant('at', read.at);
  refuseFuture(kernel, 'at', at);
  const asked = { kind: 'grant', during: { from: at, until: at + 1 }, span: readSpan({}), order: 'newest' } as const;
  const reading = kernel.clock.read();
  const page = await collect(kernel, asked, read, decodeGrant, async (grants) => {
    const uses = await usesOf(kernel, grants.filter(covers));
    return uses.filter(({ grant, usage }) => wasHeldAt(grant, at, usage)).map((use) => grantWithStatus(use, reading));
  });
  await refusePurged(kernel.ledger, at);
  return page;
}

const coversAll = (locked: string, scope: string): boolean => patternScopes.covers(locked, scope);

/** The grants by which a check of the scope allows now. @param scope `undefined`: of any scope of the grant */
async function holders(
  kernel: Kernel,
  covers: (grant: Grant) => boolean,
  scope: string | undefined,
  paging: GivenPaging,
): Promise<Page<GrantWithStatus>> {
  const { now } = kernel.clock.read();
  const asked = { kind: 'grant', open: true, during: { from: now, until: now + 1 }, span: readSpan({}), order: 'newest' } as const;
  // Before the grants: a lock may end them and be lifted in between.
  const read = await loadReadableLocks(kernel, 'whoHadAccess');
  // Without a scope, a lock denies a grant only if it reaches all that the grant covers.
  const locks = scope === undefined && read !== undefined ? { ...read, overlaps: coversAll } : read;
  return collect(kernel, asked, paging, decodeGrant, async (grants) => {
    const uses = await usesOf(kernel, grants.filter(covers));
    const reading = kernel.clock.read();
    // Unreadable locks deny every check.
    const isAllowed = (use: GrantUse) =>
      locks !== undefined &&
      isUsable(use, reading) &&
      lockOn(locks, { ids: [use.grant.subject], scopes: [scope ?? use.grant.scope] }, reading.now) === undefined;
    return uses.filter(isAllowed).map((use) => grantWithStatus(use, reading));
  });
}
