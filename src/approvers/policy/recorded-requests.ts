import { nextTurn } from '../../core/turns.js';
import { CorruptError } from '../../core/errors.js';
import type { QuorumInput, TermsInput } from '../../core/approver-port.js';
import { withoutMetadata } from './without-metadata.js';
import { decodeRequest, encode, makeRequest, UNDECIDED, type AccessRequest, type AuditEntry } from '../../records/index.js';

/** The answer that a request had, or would have. */
export interface PastOutcome {
  /** `ineligible`: the engine refuses the ask and records no request. `abstain`: all approvers abstain. */
  readonly outcome: 'approve' | 'deny' | 'review' | 'ineligible' | 'abstain';
  /** The rules that decide. `undefined`: none is named. */
  readonly rule: string | undefined;
  /** The reason for a denial. `undefined`: none. */
  readonly reason: string | undefined;
  /** The approvals that are needed. `undefined`: no review. */
  readonly quorum: QuorumInput | undefined;
  /** The review deadline. For break-glass: the instant from which the review is overdue. Epoch milliseconds. */
  readonly reviewBy: number | undefined;
  /** For break-glass: the groups whose members may review the use. */
  readonly reviewers: readonly string[] | undefined;
  /** The terms of the access. `undefined`: none. */
  readonly terms: TermsInput | undefined;
}

/** A past request, and the approver's answer to it. */
export interface PastRequest {
  /** The request as it was created. */
  readonly request: AccessRequest;
  readonly isBreakGlass: boolean;
  /** When it was answered. Epoch milliseconds. */
  readonly answeredAt: number;
  /** `undefined`: no approver has answered. The request is pending, or ended before an answer. */
  readonly was: PastOutcome | undefined;
}

/** The requests of a journal in the order of their creation. They have no metadata, because the journal has none. */
export async function pastRequests(entries: Iterable<AuditEntry> | AsyncIterable<AuditEntry>): Promise<readonly PastRequest[]> {
  const found = new Map<string, PastRequest>();
  let read = 0;
  for await (const entry of entries) {
    // Entries of a list or an in-memory store arrive without a turn of the event loop.
    if (++read % ENTRIES_A_TURN === 0) await nextTurn();
    const { type, requestId = '', at: answeredAt, data } = entry;
    if (type === 'request.created') {
      const request = withoutMetadata(recordIn(entry, { ...UNDECIDED, version: 1 }));
      found.set(requestId, { request, isBreakGlass: false, answeredAt, was: undefined });
      continue;
    }
    const past = found.get(requestId);
    // The first entry of this request was trimmed by a purge, so the policy cannot decide it again.
    if (past === undefined || past.was !== undefined || !type.startsWith('request.') || !isAnswer(data)) continue;
    const answered = recordIn(entry, past.request);
    const isBreakGlass = answered.end?.cause === 'break_glass';
    found.set(requestId, { request: past.request, isBreakGlass, answeredAt, was: outcomeOf(answered) });
  }
  return [...found.values()];
}

/** How many entries are read before the loop yields to the event loop (L42). */
const ENTRIES_A_TURN = 256;

/** Every entry of an approver's answer has the approver's name. */
const isAnswer = (data: unknown): boolean => (data as { readonly approver?: unknown } | null | undefined)?.approver !== undefined;

function outcomeOf(request: AccessRequest): PastOutcome {
  const { rule, quorum, reviewBy, terms, afterReview } = request;
  const outcome = saidTo(request);
  return {
    outcome,
    rule,
    reason: outcome === 'deny' ? request.end?.reason : undefined,
    quorum,
    reviewBy: outcome === 'review' ? reviewBy : afterReview?.reviewBy,
    reviewers: afterReview?.reviewers,
    terms,
  };
}

function saidTo({ end }: AccessRequest): PastOutcome['outcome'] {
  if (end === undefined) return 'review';
  if (end.status === 'denied' && end.cause === 'approver') return 'deny';
  if (end.status === 'denied' && end.cause === 'abstained') return 'abstain';
  // Also if the approver approved, but a limit or the end of the extended grant prevented the access.
  return 'approve';
}

/**
 * The request after an entry, validated by the strict codec. The codec ignores fields of the entry that belong to other records.
 *
 * @throws CorruptError
 */
function recordIn({ id, requestId, data }: AuditEntry, before: object): AccessRequest {
  try {
    return decodeRequest(encode(makeRequest({ ...before, ...(data as object), id: requestId } as AccessRequest)));
  } catch {
    throw new CorruptError('entry', id, 'the request in it is malformed, or was not written by this package');
  }
}
