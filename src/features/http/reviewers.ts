import { ApproverError, isJitError } from '../../core/errors.js';
import { within } from '../../core/timers.js';
import { reviewersOf } from '../../engine/requests/access-result.js';
import { askTogether } from '../../kernel/approver/approver-questions.js';
import { loadReadableLocks } from '../../kernel/loading/locks.js';
import type { Kernel } from '../../kernel/kernel.js';
import { isIdLocked } from '../../lifecycle/lock.js';
import { countsIn, isOwnRequest, mayAct, missingApprovals, reviewBy } from '../../lifecycle/review.js';
import { requestStatus } from '../../lifecycle/status.js';
import { askedGroups, missingInWords, type AccessRequest, type MissingApprovals } from '../../records/index.js';

/** Why a person who might be expected to approve a request cannot do so now. */
export interface ExcludedReviewer {
  /** The id of the person. */
  readonly reviewer: string;
  /**
   * - `own_request`: in a group that may review it, but its subject or requester.
   * - `has_denied`, `has_approved`: has given this review, which counts.
   * - `not_in_group`: in none of the groups that may review it any more.
   * - `not_your_step`: only in groups of a step that has not begun.
   * - `locked`: a lock on the reviewer refuses an approval.
   */
  readonly why: 'own_request' | 'has_denied' | 'has_approved' | 'not_in_group' | 'not_your_step' | 'locked';
}

/** What a request waits for. Empty if it is not pending, or waits for its approver. */
export interface RequestReviewers {
  /** The groups of the present step, and those that may stand in. */
  readonly groups: readonly string[];
  /** The possible reviewers who can still act. `undefined`: they cannot be listed. */
  readonly reviewers: readonly string[] | undefined;
  /** The approvals that are missing, by group. */
  readonly missing: readonly MissingApprovals[];
  /** {@link missing} in words, such as `1 more of security`. `undefined`: the request waits for no reviewer. */
  readonly missingInWords: string | undefined;
  /**
   * Who does not count, and why: of the listed reviewers, those who have reviewed, the subject and the requester. At most 100 of them are
   * asked about. `undefined`: the caller is the subject or the requester.
   */
  readonly excluded: readonly ExcludedReviewer[] | undefined;
}

/** The most reviewers whose groups are asked. */
const MOST = 100;

/** @param withReasons whether the caller sees why a reviewer does not count */
export async function reviewersFor(kernel: Kernel, request: AccessRequest, withReasons: boolean): Promise<RequestReviewers> {
  const reading = kernel.clock.read();
  if (request.quorum === undefined || requestStatus(request, reading.forEnds) !== 'pending')
    return { groups: [], reviewers: [], missing: [], missingInWords: undefined, excluded: withReasons ? [] : undefined };
  const [reviewers, excluded] = await Promise.all([
    inTime(kernel, () => reviewersOf(kernel, request)),
    withReasons ? excludedFrom(kernel, request) : undefined,
  ]);
  const missing = missingApprovals(request, reading);
  return {
    groups: askedGroups(request, reading.now),
    reviewers,
    missing,
    missingInWords: missingInWords(missing),
    excluded,
  };
}

/** How long the questions to the approver may take: the groups and the missing approvals are known without it. Milliseconds. */
const ASK_MS = 3_000;

/** The answer of the approver. `undefined`: it failed, or was late; reported to `onError`. */
async function inTime<T>({ settings }: Kernel, ask: () => Promise<T>): Promise<T | undefined> {
  const timeout = () => new ApproverError(settings.approver.name, undefined, `gave no answer within ${ASK_MS} ms`);
  try {
    return await within(settings.clock, ASK_MS, ask, timeout);
  } catch (error) {
    if (!isJitError(error) || error.code !== 'ERR_JIT_APPROVER') throw error;
    settings.onError(error, 'reviewers');
    return undefined;
  }
}

async function excludedFrom(kernel: Kernel, request: AccessRequest): Promise<readonly ExcludedReviewer[]> {
  const { approver, clock } = kernel;
  const listed = (await inTime(kernel, () => approver.membersOf(request))) ?? [];
  const { subject, requestedBy, reviews } = request;
  const persons = [...new Set([subject, requestedBy, ...reviews.map(({ reviewer }) => reviewer), ...listed])].slice(0, MOST);
  const memberships = new Map<string, readonly string[] | undefined>();
  const groupsOf = (person: string) => inTime(kernel, () => approver.groupsOf(person, request));
  // All questions share one time, so that a directory that hangs delays the answer once.
  await inTime(kernel, () => askTogether(persons, async (person) => memberships.set(person, await groupsOf(person))));
  const locks = await loadReadableLocks(kernel, 'reviewers');
  const reading = clock.read();
  const whyNot = (reviewer: string, groups: readonly string[]): ExcludedReviewer['why'] | undefined => {
    const isInGroup = countsIn(request, groups, reading).length > 0;
    if (isOwnRequest(request, reviewer)) return isInGroup ? 'own_request' : undefined;
    if (!isInGroup) return 'not_in_group';
    const given = reviewBy(request, reviewer)?.verdict;
    if (given === 'deny') return 'has_denied';
    if (locks === undefined || isIdLocked(locks, reviewer, reading.now)) return 'locked';
    if (mayAct(request, reviewer, groups, reading).length > 0) return undefined;
    return given === undefined ? 'not_your_step' : 'has_approved';
  };
  return persons.flatMap((reviewer) => {
    const groups = memberships.get(reviewer);
    const why = groups && whyNot(reviewer, groups);
    return why === undefined ? [] : [{ reviewer, why }];
  });
}
