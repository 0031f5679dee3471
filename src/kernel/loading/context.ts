import type { IssueContext } from '../../lifecycle/grant.js';
import { idsOfChain, walkChain, walkToFirst, withSuccessors } from './walk-chain.js';
import { isExtensionIn } from '../../lifecycle/chain-limits.js';
import type { ExtensionChain } from '../../lifecycle/extension-chain.js';
import type { OpeningContext } from '../../lifecycle/request.js';
import { MAX_DENIED, recentDenials, type DenialContext, type RecentDenial } from '../../lifecycle/same-ask.js';
import { hasEnded, type GrantUse } from '../../lifecycle/status.js';
import { moment, SWEEPER, type Moment } from '../../lifecycle/transition.js';
import { grantLimitMet, isPending, type SubjectContext } from '../../lifecycle/subject.js';
import { recordTime, workOn, workOnRequest } from '../../lifecycle/sweep.js';
import type { Page } from '../../core/ports.js';
import type { Row } from '../../core/store-port.js';
import { decodeGrant, decodeRequest, decodeSubject, LOCK_ROW, type AccessRequest, type Grant } from '../../records/index.js';
import { NONE } from '../../records/frozen.js';
import type { TurnBudget } from '../../core/turns.js';
import { grantsAmong } from '../ledger/grant-use.js';
import { fitting } from '../ledger/fits-change.js';
import { readContext } from '../ledger/read-context.js';
import { loadHolders } from './holders.js';
import { locksIn } from './locks.js';
import type { CallLimit } from '../call-limit.js';
import type { Kernel } from '../kernel.js';

const NO_REQUESTS: ReadonlyMap<string, AccessRequest> = new Map();

/** The most ends that one change records, because a change has a greatest size (L42). */
const MAX_ENDED = 250;
const MAX_READS = 64;
/** How many rows the engine reads from the store at a time. */
const MAX_KEYS = 200;

/** The rows of a subject, and the row of locks. */
export interface SubjectRows {
  readonly subject: Row | undefined;
  readonly locks: Row | undefined;
  readonly live: readonly Row[];
}

/**
 * Reads the subject's row before its grants, or both at one instant. A grant issued in between bumps the row's version, so the
 * commit conflicts instead of miscounting.
 *
 * Loads every grant without a recorded end: an expiry frees no place under a limit until the engine records it.
 */
async function loadSubjectContext(kernel: Kernel, id: string): Promise<SubjectContext> {
  const { rows, live } = await readContext(kernel.ledger, { keys: [{ kind: 'subject', id }, LOCK_ROW], live: { subject: id, at: 0 } });
  return subjectContextOf(kernel, id, { subject: rows[0], locks: rows[1], live });
}

/** @throws CorruptError if the row of the subject or that of the locks is unreadable */
export function subjectContextOf(kernel: Kernel, id: string, { subject, locks, live }: SubjectRows): SubjectContext {
  return {
    subject: subject && decodeSubject(subject),
    live: grantsAmong(live, id, kernel.settings.decodeAll),
    given: NO_REQUESTS,
    locks: locksIn(kernel, locks),
  };
}

interface IssueOptions {
  readonly isBreakGlass?: boolean;
  readonly dryRun?: boolean;
  /** The approver and the terms of the answer that decides the request. Default: those of the request. */
  readonly decided?: Pick<AccessRequest, 'approver' | 'terms'>;
  /** The rows of the subject, if the caller has read or written them. They are read again if a limit is met by them. */
  readonly known?: SubjectContext | undefined;
  /** The call for which it loads: no expiry is recorded once that was answered. */
  readonly limit?: CallLimit | undefined;
}

/**
 * Loads the context of the rule that issues this request's grants. If a limit would refuse them, the engine records expiries
 * first. So no subject is locked out of a service that runs no sweeper.
 */
export async function loadIssueContext(
  kernel: Kernel,
  request: AccessRequest,
  { isBreakGlass = false, dryRun = false, decided = request, known, limit }: IssueOptions = {},
): Promise<IssueContext> {
  const { limits } = kernel.settings;
  const isMet = (loaded: SubjectContext) => grantLimitMet(limits, request, loaded, isBreakGlass) !== undefined;
  const context =
    known !== undefined && !isMet(known)
      ? known
      : await loadBelowLimit(kernel, () => loadSubjectContext(kernel, request.subject), isMet, dryRun, limit);
  // Before the extended grants: it may record that they have expired.
  const holders = await loadHolders(kernel, decided, isBreakGlass, dryRun, limit);
  const chains = await loadChainIds(kernel, request);
  const rows = await kernel.ledger.rows((request.extension?.grantIds ?? []).map((id) => ({ kind: 'grant', id })));
  const origins = rows.map((row) => row && decodeGrant(row));
  return { ...context, chains, limits, asksAtStart: kernel.approver.asksAtStart, origins, holders };
}

/**
 * Loads a context in which no limit is met by records that time has ended. If a limit is met, the engine loads the request of
 * each grant: a grant that another requester asked for may not count (L44). If the limit is still met, the engine records the
 * expiries and loads the context again.
 *
 * @param dryRun records nothing, and omits the records that time has ended
 */
export async function loadBelowLimit<T extends SubjectContext & Partial<OpeningContext>>(
  kernel: Kernel,
  load: () => Promise<T>,
  isMet: (context: T) => boolean,
  dryRun: boolean,
  limit: CallLimit | undefined,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    let context = await load();
    if (!isMet(context)) return context;
    context = { ...context, given: await requestsOfGrants(kernel, context.live) };
    if (!isMet(context)) return context;
    const now = moment(kernel.clock, SWEEPER);
    if (dryRun) return withoutEnded(context, now);
    const ended = [
      ...context.live.filter((use) => workOn(use, now) === 'ended'),
      ...uniqueById([...(context.open ?? []), ...(context.openedForOthers ?? [])]).filter(
        (request) => workOnRequest(request, now) === 'expired',
      ),
    ];
    // Stops after some tries, because other callers may change the subject at any time. If they did, the request's commit conflicts.
    if (ended.length === 0 || tries === MAX_READS) return context;
    await kernel.ledger.commit(
      fitting(kernel, ended.slice(0, MAX_ENDED), (some) => recordTime(some, now)),
      limit,
    );
  }
}

/** The context as it will be once the engine has recorded the pending ends. */
function withoutEnded<T extends SubjectContext & Partial<OpeningContext>>(context: T, now: Moment): T {
  const isOpen = (request: AccessRequest): boolean => isPending(request, now);
  return {
    ...context,
    live: context.live.filter((use) => !hasEnded(use, now)),
    ...(context.open && { open: context.open.filter(isOpen) }),
    ...(context.openedForOthers && { openedForOthers: context.openedForOthers.filter(isOpen) }),
  };
}

const uniqueById = (requests: readonly AccessRequest[]): readonly AccessRequest[] => [
  ...new Map(requests.map((request) => [request.id, request])).values(),
];

/**
 * Loads the context of the rule that notes a denial. `undefined`: the subject's row is unreadable, which must not prevent a denial.
 *
 * @param known the subject's row, if the caller has read or written it
 */
export async function loadDenialContext(
  kernel: Kernel,
  { subject: id }: AccessRequest,
  known?: Pick<SubjectContext, 'subject'>,
): Promise<DenialContext | undefined> {
  const row = known === undefined ? await kernel.ledger.row('subject', id) : undefined;
  const [subject] = row === undefined ? [known?.subject] : kernel.settings.decodeAll([row], decodeSubject);
  if (row !== undefined && subject === undefined) return undefined;
  return { subject, denied: (subject?.denied.length ?? 0) < MAX_DENIED ? [] : await requestsById(kernel, subject?.denied ?? []) };
}

/** Loads the recent denials that reviewers of these requests should know of. One read of the store serves many subjects (L42). */
export async function recentDenialsFor(
  kernel: Kernel,
  requests: readonly AccessRequest[],
  turns: TurnBudget,
): Promise<{ of(request: AccessRequest, now: Moment): readonly RecentDenial[] }> {
  const { decodeAll, denialsShownMs } = kernel.settings;
  const subjects = [...new Set(requests.map(({ subject }) => subject))];
  const rows: Row[] = [];
  for (let i = 0; i < subjects.length; i += MAX_KEYS) {
    await turns.spend(MAX_KEYS);
    const found = await kernel.ledger.rows(subjects.slice(i, i + MAX_KEYS).map((id) => ({ kind: 'subject', id })));
    rows.push(...found.filter((row) => row !== undefined));
  }
  const ids = decodeAll(rows, decodeSubject).flatMap(({ denied }) => denied);
  const bySubject = new Map<string, AccessRequest[]>();
  for (let i = 0; i < ids.length; i += MAX_KEYS) {
    await turns.spend(MAX_KEYS);
    for (const request of await requestsById(kernel, ids.slice(i, i + MAX_KEYS))) {
      bySubject.set(request.subject, [...(bySubject.get(request.subject) ?? []), request]);
    }
  }
  return {
    of: (request, now) => recentDenials(request, bySubject.get(request.subject) ?? [], denialsShownMs, overlapsOf(kernel), now),
  };
}

/** Loads the rest of a grant's extension chain. See {@link loadChains}. */
export async function loadChain(
  kernel: Kernel,
  grant: Grant,
  onUnreadable?: (row: Row, error: unknown) => void,
  firstOpen?: Page<Row>,
): Promise<ExtensionChain> {
  return (await loadChains(kernel, [grant], onUnreadable, firstOpen))[0] as ExtensionChain;
}

/**
 * Loads the rest of the extension chains of some grants of one subject, which end when these are ended: their successors, the
 * successors of these, and the open requests to extend any of these grants. One read of the store serves all chains (L42).
 *
 * @param onUnreadable called for each unreadable successor, which therefore cannot be ended
 * @param firstOpen the first page of the subject's open requests, if the caller has read it after the grants or with them
 */
export async function loadChains(
  kernel: Kernel,
  grants: readonly Grant[],
  onUnreadable?: (row: Row, error: unknown) => void,
  firstOpen?: Page<Row>,
): Promise<readonly ExtensionChain[]> {
  const [first] = grants;
  if (first === undefined) return [];
  const { ledger } = kernel;
  // Reads open requests before grants. An approval in between writes the extended grant: the walk finds its successor, or the
  // caller's commit conflicts over that grant. But the caller does not write a grant with a recorded end, so nothing would
  // conflict. The engine reads such a grant again here.
  const open = await openRequestsOf(kernel, first.subject, undefined, firstOpen);
  const again = await ledger.grantsWithUsage(grants.filter(({ end }) => end !== undefined).map(({ id }) => id));
  const roots = byId([...grants, ...again.map(({ grant }) => grant)]);
  const { successors } = await walkChain([...roots.values()], (next) => ledger.grantsWithUsage(next, onUnreadable));
  const known = byId([...roots.values(), ...successors.map(({ grant }) => grant)]);
  return grants.map(({ id }) => {
    const ids = withSuccessors([id], known);
    return {
      successors: successors.filter(({ grant }) => ids.has(grant.id)),
      requests: open.filter((request) => isExtensionIn(ids, request)),
    };
  });
}

/**
 * For each grant that a request extends, the ids of all grants of its chain, from its first grant, over every branch. The caller
 * reads the subject's row before this. A new grant of a chain writes that row, so two concurrent approvals cannot both count the
 * old chain.
 */
export async function loadChainIds({ ledger }: Kernel, { extension }: AccessRequest): Promise<readonly ReadonlySet<string>[]> {
  if (extension === undefined) return NONE;
  const ancestors = await walkToFirst(extension.grantIds, async (ids) => (await ledger.grantsWithUsage(ids)).map(({ grant }) => grant));
  const { successors } = await walkChain([...ancestors.values()], (ids) => ledger.grantsWithUsage(ids));
  const grants = byId([...ancestors.values(), ...successors.map(({ grant }) => grant)]);
  return extension.grantIds.map((id) => idsOfChain(id, grants));
}

const byId = (grants: readonly Grant[]): ReadonlyMap<string, Grant> => new Map(grants.map((grant) => [grant.id, grant]));

/** The requests of these grants, by id. Each names its requester, which decides whether the grant counts under a limit (L44). */
export async function requestsOfGrants(kernel: Kernel, uses: readonly GrantUse[]): Promise<ReadonlyMap<string, AccessRequest>> {
  if (uses.length === 0) return NO_REQUESTS;
  const requests = await requestsById(kernel, [...new Set(uses.map(({ grant }) => grant.requestId))]);
  return new Map(requests.map((request) => [request.id, request]));
}

/** The requests with these ids, without those that are missing or unreadable. */
export async function requestsById({ ledger, settings }: Kernel, ids: readonly string[]): Promise<readonly AccessRequest[]> {
  const rows = await ledger.rows(ids.map((id) => ({ kind: 'request', id })));
  return settings.decodeAll(
    rows.filter((row) => row !== undefined),
    decodeRequest,
  );
}

/** How many open requests of a subject one question reads. */
export const OPEN_PAGE = 100;

/**
 * The requests of a subject that have no recorded end.
 *
 * @param turns the budget of a caller that reads those of many subjects
 * @param first the first page, if the caller has read it
 */
export async function openRequestsOf(
  { ledger, settings }: Kernel,
  subject: string,
  turns?: TurnBudget,
  first?: Page<Row>,
): Promise<readonly AccessRequest[]> {
  const open: AccessRequest[] = [];
  const add = (rows: readonly Row[]) =>
    void open.push(...settings.decodeAll(rows, decodeRequest).filter((request) => request.end === undefined));
  if (first !== undefined) add(first.items);
  if (first !== undefined && first.next === undefined) return open;
  for await (const rows of ledger.pages({ kind: 'request', subject, open: true }, first?.next, OPEN_PAGE, turns)) add(rows);
  return open;
}

export const overlapsOf =
  ({ settings }: Kernel) =>
  (a: string, b: string): boolean =>
    settings.scopes.overlaps(a, b);
