import { CorruptError, isJitError } from '../../core/errors.js';
import { readOptions } from '../../core/parse.js';
import type { ClockReading } from '../../core/clock.js';
import { reaches } from '../../lifecycle/check.js';
import { findReason, narrow, reasonOfNothing, type Finding, type KnownRecords, type ScopeRelation } from '../../lifecycle/explain.js';
import { lockOn, type Lockable } from '../../lifecycle/lock.js';
import { missingApprovals } from '../../lifecycle/review.js';
import type { GrantUse } from '../../lifecycle/status.js';
import {
  askedGroups,
  decodeGrant,
  decodeRequest,
  hasUsageRow,
  missingInWords,
  type AccessRequest,
  type Grant,
} from '../../records/index.js';
import { parseAccessAsk, type AccessAsk, type ParsedAsk } from '../../engine/requests/ask.js';
import type { Action } from '../../engine/checks/checker.js';
import type { JitEngine } from '../../engine/engine.js';
import { EngineChecker } from '../../engine/checks/engine-checker.js';
import { reviewersOf } from '../../engine/requests/access-result.js';
import { withUsage } from '../../kernel/ledger/grant-use.js';
import { readHorizon } from '../../kernel/ledger/horizon.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import { loadReadableLocks } from '../../kernel/loading/locks.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Explanation, ExplanationReason } from './explanation.js';
import { previewRequest, type AccessPreview } from './preview.js';

/** The options of `explain`. */
export interface ExplainOptions {
  /**
   * The request that `asking` previews. Its `ttl` is 15 minutes by default, or as much as the limits allow. Default: a request
   * with this `ttl` alone, by the subject itself.
   */
  readonly ask?: Pick<AccessAsk, 'requestedBy' | 'justification' | 'ticket' | 'metadata' | 'startsAt' | 'ttl' | 'until'> | undefined;
}

/**
 * Explains why the subject may do this or not: the deciding record, when time may change that, who may approve, and the
 * outcome of a request made now. The answer is for people to read.
 *
 * It starts with a check, which confirms a start that is due; apart from that it records nothing. If the approver fails,
 * only the approver's part is missing, and the engine reports the failure to `onError`.
 *
 * Gotcha: it reads every record of the subject, and asks the approver. Gate on `assertAllowed`.
 *
 * @throws CorruptError `ERR_JIT_CORRUPT` when the grant that explains the missing access cannot be read;
 *   InvalidArgumentError, StoreError, ClockError, ClosedError
 * @example
 * const { reason, approvers } = await explain(engine, 'user:maya', 'db-prod:write');
 */
export async function explain<Scope extends string>(
  engine: JitEngine<Scope>,
  subject: string,
  action: Action<NoInfer<Scope>>,
  options: ExplainOptions = {},
): Promise<Explanation> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  const checker = kernel.part(EngineChecker);
  const about = checker.read(subject, action);
  const ask = readAsk(kernel, subject, about.scope, options);
  // Starts with an ordinary check, so that both give the same answer. The check also confirms a start that is due.
  const decision = await checker.decide(about.subject, about.scope);
  const { at, grant, pattern, validUntil } = decision;
  if (decision.reason === 'locked') return explanation({ ...about, at, reason: 'locked', changesAt: validUntil });
  if (decision.allowed) {
    const reason = pattern === undefined ? 'granted' : 'standing';
    const request = grant && (await requestOf(kernel, grant));
    if (!hasComeSince(kernel, validUntil)) return explanation({ ...about, at, reason, request, grant, pattern, changesAt: validUntil });
  }
  return explainFromRecords(kernel, about, ask);
}

const DEFAULT_TTL_MS = 15 * 60_000;

/** If the subject has access or will have it, a preview of a request would mislead. */
const ON_ITS_WAY: ReadonlySet<ExplanationReason> = new Set<ExplanationReason>(['granted', 'not_activated', 'not_started', 'pending']);

type Asked = Pick<Explanation, 'subject' | 'scope'>;

async function explainFromRecords(kernel: Kernel, about: Asked, ask: ParsedAsk): Promise<Explanation> {
  const { settings, clock } = kernel;
  const { subject, scope } = about;
  const reach: ScopeRelation = {
    covers: (named) => reaches(settings.scopes, named, scope),
    overlaps: (named) => settings.scopes.overlaps(named, scope),
  };
  const again = () => explainFromRecords(kernel, about, ask);
  const begun = clock.read();
  const known = await recordsOf(kernel, subject, reach);
  const reading = clock.read();
  const at = reading.now;
  const found = findReason(known, reach, reading);
  // Reads again what expired during the read: the older row does not say whether it was revoked or decided in time.
  if (found?.reason === 'expired' && findReason(known, reach, begun)?.reason !== 'expired') return again();
  if (found?.reason === 'unreadable') {
    await refuseUnreadable(kernel, found);
    return again();
  }
  const asking = found !== undefined && ON_ITS_WAY.has(found.reason) ? undefined : await previewOf(kernel, ask);
  const isLost = await mayBePurged(kernel, subject, found);
  if (found === undefined || isLost) {
    const isIneligible = asking?.outcome === 'refused' && asking.code === 'ERR_JIT_INELIGIBLE';
    const reason = reasonOfNothing(isLost, isIneligible);
    return explanation({ ...about, at, reason, asking, approvers: approversIn(asking, reading) });
  }
  const { reason, grant, changesAt } = found;
  const request = grant === undefined ? found.request : await requestOf(kernel, grant);
  if (reason === 'granted') {
    // The check found no access, so the grant is newer than the check. A lock may be, too.
    if (await isLocked(kernel, 'explain', { ids: [subject], scopes: [scope] }))
      return explanation({ ...about, at, reason: 'locked', changesAt: at });
    if (hasComeSince(kernel, changesAt)) return again();
  }
  const approvers =
    reason === 'pending' && request !== undefined ? await approversOf(kernel, request, reading) : approversIn(asking, reading);
  return explanation({ ...about, at, reason, request, grant, changesAt, asking, approvers });
}

/**
 * Whether a lock reaches a target. Unreadable locks deny everything, as in a check.
 *
 * @param at the instant of the answer. Default: when the locks have been read
 */
export async function isLocked(kernel: Kernel, during: string, target: Lockable, at?: number): Promise<boolean> {
  const locks = await loadReadableLocks(kernel, during);
  return locks === undefined || lockOn(locks, target, at ?? kernel.clock.read().now) !== undefined;
}

/** Whether the access expired while its records were being read. It is then explained as ended. */
const hasComeSince = ({ clock }: Kernel, changesAt: number | undefined): boolean =>
  changesAt !== undefined && !(clock.read().highWater < changesAt);

/** @throws CorruptError unless a purge removed the request, and its grants in the same commit, between two reads */
async function refuseUnreadable({ ledger }: Kernel, { request }: Finding): Promise<void> {
  const { id } = request as AccessRequest;
  if ((await ledger.row('request', id)) === undefined) return;
  throw new CorruptError('request', id, 'is approved, but its grant or usage row is missing or unreadable');
}

/** The records of the subject that may decide, narrowed after each page. */
async function recordsOf(kernel: Kernel, subject: string, reach: ScopeRelation): Promise<KnownRecords> {
  const { settings, clock, ledger } = kernel;
  let known: KnownRecords = { requests: [], grants: [] };
  for await (const rows of ledger.pages({ kind: 'request', subject })) {
    const requests = settings.decodeAll(rows, decodeRequest).filter((request) => request.subject === subject);
    known = narrow({ ...known, requests: [...known.requests, ...requests] }, reach, clock.read());
  }
  for await (const rows of ledger.pages({ kind: 'grant', subject })) {
    const grants = settings.decodeAll(rows, decodeGrant).filter((grant) => grant.subject === subject);
    known = narrow({ ...known, grants: [...known.grants, ...(await usesOf(kernel, grants))] }, reach, clock.read());
  }
  return known;
}

/** Reads the usage only of grants that may have ended by it before a sweep recorded that end. */
async function usesOf({ settings, ledger }: Kernel, grants: readonly Grant[]): Promise<readonly GrantUse[]> {
  const counted = grants.filter((grant) => grant.end === undefined && hasUsageRow(grant));
  const rows = await ledger.rows(counted.map(({ id }) => ({ kind: 'usage', id })));
  const usages = new Map(counted.map(({ id }, i) => [id, rows[i]]));
  return grants.map((grant) => withUsage(grant, usages.get(grant.id), settings.decodeAll));
}

/** `undefined` if the request was purged or cannot be read: the grant decides without it. */
async function requestOf({ settings, ledger }: Kernel, { requestId }: Grant): Promise<AccessRequest | undefined> {
  const row = await ledger.row('request', requestId);
  return row && settings.decodeAll([row], decodeRequest)[0];
}

/**
 * Whether a purge may have removed the deciding record: no record is left, or the records that are left ended before the
 * horizon.
 *
 * Each request that opens writes its subject's row, and no purge removes that row. A purge records its horizon before it
 * removes a row, so the horizon is read last.
 */
async function mayBePurged({ ledger }: Kernel, subject: string, found: Finding | undefined): Promise<boolean> {
  if (found === undefined) return (await ledger.row('subject', subject)) !== undefined && (await readHorizon(ledger)) > 0;
  return found.endedAt !== undefined && found.endedAt < (await readHorizon(ledger));
}

/** `undefined` while the approver has not named any. */
async function approversOf(kernel: Kernel, request: AccessRequest, reading: ClockReading): Promise<Explanation['approvers']> {
  if (request.quorum === undefined) return undefined;
  return { ...asked(request, reading), people: await reviewersOf(kernel, request) };
}

/** The outcome of a request made now. `undefined` if the approver failed: the rest of the answer stays valid. */
async function previewOf(kernel: Kernel, ask: ParsedAsk): Promise<AccessPreview | undefined> {
  try {
    return await previewRequest(kernel, ask);
  } catch (error) {
    if (!isJitError(error) || error.code === 'ERR_JIT_STORE') throw error;
    kernel.settings.onError(error, 'explain');
    return undefined;
  }
}

/** The request to preview. */
export function readAsk({ settings }: Kernel, subject: unknown, scope: string, options: unknown): ParsedAsk {
  const { ask = {} } = readOptions('options', options, ['ask']);
  const { ttl, until, ...rest } = readOptions('ask', ask, [
    'ttl',
    'until',
    'requestedBy',
    'justification',
    'ticket',
    'metadata',
    'startsAt',
  ]);
  const { maxTtlMs, maxTotalMs } = settings.limits;
  const longest = Math.min(DEFAULT_TTL_MS, maxTtlMs, maxTotalMs);
  return parseAccessAsk(settings, { subject, scope, ...rest, until, ttl: ttl === undefined && until === undefined ? longest : ttl });
}

/** The approvers of a previewed request. */
const approversIn = (asking: AccessPreview | undefined, reading: ClockReading): Explanation['approvers'] =>
  asking?.outcome === 'pending' ? { ...asked(asking.request, reading), people: asking.reviewers } : undefined;

const asked = (request: AccessRequest, reading: ClockReading) => ({
  groups: askedGroups(request, reading.now),
  missingInWords: missingInWords(missingApprovals(request, reading)),
});

function explanation(known: Pick<Explanation, 'subject' | 'scope' | 'at' | 'reason'> & Partial<Explanation>): Explanation {
  const { subject, scope, at, reason, request, grant, pattern, changesAt, approvers, asking } = known;
  const allowed = reason === 'granted' || reason === 'standing';
  return { allowed, reason, subject, scope, at, request, grant, pattern, changesAt, approvers, asking };
}
