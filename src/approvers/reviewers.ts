import { invalid, readCount, readId, readList, readOptions } from '../input.js';
import type { Approver, Verdict } from '../ports.js';
import type { AccessRequest } from '../records.js';
import { isScope } from '../scope.js';
import { readDuration, type Duration } from '../time.js';

export interface ReviewersOptions {
  /** Who may review. */
  readonly members: readonly string[];
  /** How many of them must approve. Default: 1. */
  readonly approvals?: number | undefined;
  /** How many denials end a request. Default: 1. */
  readonly denials?: number | undefined;
  /** How long an approval counts. Default: as long as the request is open. */
  readonly approvalTtl?: Duration | undefined;
  /** How long they have from when the request reaches them. Default: the engine's `limits.reviewWithin`. */
  readonly reviewWithin?: Duration | undefined;
  /** Whether a pattern of scopes may be asked for. Default: no, such a request is passed over. */
  readonly patterns?: boolean | undefined;
  /** Name of the approver and of its one group. Default: `'reviewers'`. */
  readonly name?: string | undefined;
}

/**
 * One group of people, m of n of whom must approve. The subject, and whoever asks on its behalf, never count; a request
 * for which too few others are left is denied at once, with that as the reason.
 *
 * @throws InvalidArgumentError
 * @example
 * reviewers({ members: ['user:sam', 'user:ana', 'user:lee'], approvals: 2 })
 */
export function reviewers(options: ReviewersOptions): Approver {
  const {
    members: givenMembers,
    approvals: givenApprovals = 1,
    denials: givenDenials = 1,
    approvalTtl,
    reviewWithin,
    patterns: givenPatterns,
    name: givenName = 'reviewers',
  } = readOptions<keyof ReviewersOptions>('reviewers', options, [
    'members',
    'approvals',
    'denials',
    'approvalTtl',
    'reviewWithin',
    'patterns',
    'name',
  ]);
  const name = readId('name', givenName);
  const members = readMembers(givenMembers);
  const approvals = readCount('approvals', givenApprovals, 1, members.size);
  const denials = readCount('denials', givenDenials, 1, members.size);
  const approvalTtlMs = approvalTtl === undefined ? undefined : readDuration('approvalTtl', approvalTtl);
  const reviewWithinMs = reviewWithin === undefined ? undefined : readDuration('reviewWithin', reviewWithin);
  const patterns = readPatterns(givenPatterns);
  const membersOf = (request: AccessRequest) =>
    [...members].filter((member) => member !== request.subject && member !== request.requestedBy);

  return Object.freeze({
    name,
    decide(request: AccessRequest): Verdict {
      if (!patterns && hasPatterns(request)) return { outcome: 'abstain' };
      const others = membersOf(request).length;
      if (others < approvals) {
        return { outcome: 'deny', reason: `needs ${approvals} approvals, and only ${others} of ${name} may review this request` };
      }
      return { outcome: 'review', quorum: { groups: [{ name, approvals }], denials, approvalTtlMs, reviewWithinMs } };
    },
    groupsOf: (reviewer: string) => (members.has(reviewer) ? [name] : []),
    membersOf,
  });
}

function readMembers(value: unknown): ReadonlySet<string> {
  const members = new Set<string>();
  readList('members', value, 1).forEach((member, i) => {
    const id = readId(`members[${i}]`, member);
    if (members.has(id)) throw invalid(`members[${i}]`, 'named once', id);
    members.add(id);
  });
  return members;
}

/** Whether patterns may be granted; by default they may not, so that no rule meant for scopes hands out a wildcard. */
export function readPatterns(value: unknown): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw invalid('patterns', 'true or false', value);
  return value ?? false;
}

export const hasPatterns = (request: AccessRequest): boolean => !request.scopes.every(isScope);
