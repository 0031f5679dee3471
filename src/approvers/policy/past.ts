import { CorruptError } from '../../errors.js';
import { isId } from '../../input.js';
import type { QuorumInput, TermsInput } from '../../ports.js';
import type { AccessRequest, AuditEntry, RequestEnd } from '../../records.js';
import { isPattern } from '../../scope.js';
import { isDuration, isInstant } from '../../time.js';
import { asRequest } from './explain.js';

/** What was said to a request, or would be. */
export interface Outcome {
  /** `ineligible`: refused without a request; `abstain`: no approver had an opinion. */
  readonly outcome: 'approve' | 'deny' | 'review' | 'ineligible' | 'abstain';
  readonly rule: string | undefined;
  readonly reason: string | undefined;
  readonly quorum: QuorumInput | undefined;
  readonly terms: TermsInput | undefined;
}

/** A request of the past, and what the approver said to it then. */
export interface PastRequest {
  readonly request: AccessRequest;
  readonly isBreakGlass: boolean;
  /** `undefined`: nothing; it is pending, or ended before anybody answered. */
  readonly was: Outcome | undefined;
}

/** What a transition of a request wrote, as far as it tells what the approver said. */
interface Written {
  readonly approver?: string;
  readonly rule?: string;
  readonly quorum?: QuorumInput;
  readonly terms?: TermsInput;
  readonly end?: RequestEnd;
}

/** The requests of a journal in the order in which they were made. Metadata is not in it, and so not in them. */
export async function pastRequests(entries: Iterable<AuditEntry> | AsyncIterable<AuditEntry>): Promise<readonly PastRequest[]> {
  const found = new Map<string, PastRequest>();
  for await (const entry of entries) {
    const { type, requestId = '', data } = entry;
    if (type === 'request.created') found.set(requestId, { request: toRequest(entry), isBreakGlass: false, was: undefined });
    const past = found.get(requestId);
    // What a purge has left of a request without its beginning can't be asked again.
    if (past?.was !== undefined || past === undefined) continue;
    const written = data as unknown as Written;
    const said = type.startsWith('request.') ? saidIn(type, written) : undefined;
    if (said !== undefined) {
      const { rule, quorum, terms, end } = written;
      const was = { outcome: said, rule, reason: said === 'deny' ? end?.reason : undefined, quorum, terms };
      found.set(requestId, { ...past, isBreakGlass: end?.cause === 'break_glass', was });
    }
  }
  return [...found.values()];
}

/** What the approver said by which this came about; `undefined`: it was not the approver's word. */
function saidIn(type: AuditEntry['type'], { approver, end }: Written): Outcome['outcome'] | undefined {
  if (type === 'request.assigned') return 'review';
  // Every answer of an approver leaves its name.
  if (approver === undefined || end === undefined) return undefined;
  if (end.status === 'denied' && end.cause === 'approver') return 'deny';
  if (end.status === 'denied' && end.cause === 'abstained') return 'abstain';
  // Also where a limit, or the end of the grant that it was to extend, then stood against it.
  return 'approve';
}

function toRequest({ id, requestId, data }: AuditEntry): AccessRequest {
  const asked = data as unknown as Partial<AccessRequest>;
  const { subject, requestedBy, scopes, ttlMs, startsAt, extension, justification, ticket, createdAt, reviewBy, askAgainAt } = asked;
  const isRequest =
    isId(requestId) &&
    isId(subject) &&
    isId(requestedBy) &&
    Array.isArray(scopes) &&
    scopes.every(isPattern) &&
    isDuration(ttlMs) &&
    (startsAt === undefined || isInstant(startsAt)) &&
    isInstant(createdAt) &&
    isInstant(reviewBy) &&
    isInstant(askAgainAt);
  if (!isRequest) throw new CorruptError('entry', id, 'what was asked is not what this package writes');
  const times = { ttlMs, startsAt, createdAt, reviewBy, askAgainAt };
  return asRequest({ id: requestId, subject, requestedBy, scopes, ...times, extension, justification, ticket });
}
