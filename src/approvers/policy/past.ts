import { nextTurn } from '../../core/time.js';
import { CorruptError } from '../../core/errors.js';
import type { QuorumInput, TermsInput } from '../../core/ports.js';
import { decodeRequest, encode, makeRequest, UNDECIDED, type AccessRequest, type AuditEntry } from '../../records/index.js';

/** What was said to a request, or would be. */
export interface PastOutcome {
  /** `ineligible`: refused without a request; `abstain`: no approver had an opinion. */
  readonly outcome: 'approve' | 'deny' | 'review' | 'ineligible' | 'abstain';
  readonly rule: string | undefined;
  readonly reason: string | undefined;
  readonly quorum: QuorumInput | undefined;
  /** Until when the reviewers have; of break-glass, when the review that is owed is overdue. Epoch milliseconds. */
  readonly reviewBy: number | undefined;
  /** Of break-glass: the groups one of whose members gives the review that is owed. */
  readonly reviewers: readonly string[] | undefined;
  readonly terms: TermsInput | undefined;
}

/** A request of the past, and what the approver said to it then. */
export interface PastRequest {
  /** As it was asked. */
  readonly request: AccessRequest;
  readonly isBreakGlass: boolean;
  /** When it was answered. Epoch milliseconds. */
  readonly answeredAt: number;
  /** `undefined`: nothing was said; it is pending, or ended before anybody answered. */
  readonly was: PastOutcome | undefined;
}

/** The requests of a journal in the order in which they were made. Metadata is not in it, and so not in them. */
export async function pastRequests(entries: Iterable<AuditEntry> | AsyncIterable<AuditEntry>): Promise<readonly PastRequest[]> {
  const found = new Map<string, PastRequest>();
  let read = 0;
  for await (const entry of entries) {
    // Entries in a list, or in memory, come without a turn of the event loop.
    if (++read % ENTRIES_A_TURN === 0) await nextTurn();
    const { type, requestId = '', at: answeredAt, data } = entry;
    if (type === 'request.created') {
      const request = recordIn(entry, { ...UNDECIDED, version: 1 });
      found.set(requestId, { request, isBreakGlass: false, answeredAt, was: undefined });
      continue;
    }
    const past = found.get(requestId);
    // What a purge has left of a request without its beginning can't be asked again.
    if (past === undefined || past.was !== undefined || !type.startsWith('request.') || !isAnswer(data)) continue;
    const answered = recordIn(entry, past.request);
    const isBreakGlass = answered.end?.cause === 'break_glass';
    found.set(requestId, { request: past.request, isBreakGlass, answeredAt, was: outcomeOf(answered) });
  }
  return [...found.values()];
}

/** How many entries are read before the event loop takes a turn. */
const ENTRIES_A_TURN = 256;

/** Every answer of an approver leaves its name. */
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
  // Also where a limit, or the end of the grant that it was to extend, then stood against it.
  return 'approve';
}

/**
 * A request after an entry has been written, if the one strict codec takes it for one. Other fields of the entry are of
 * other records.
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
