import { byCanonicalId } from './canonical.js';
import { invalid, readCount, readId, readBoundedList, readOptions } from '../core/parse.js';
import type { ApproverContext, AskableApprover, ScopeMatcher, Verdict } from '../core/ports.js';
import type { AccessRequest } from '../records/index.js';
import { isScope } from '../core/scope.js';
import { readDuration, type Duration } from '../core/duration.js';

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
  /**
   * Whether a pattern of scopes may be asked for, or, where the engine has a matcher of its own, any other scope that reaches
   * further than itself. Default: no, such a request is passed over.
   */
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
export function reviewers(options: ReviewersOptions): AskableApprover {
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
  // In the form in which the engine knows them: it is asked about ids of that form alone.
  const membersIn = byCanonicalId((canonical) => new Set([...members].map((member, i) => canonical(`members[${i}]`, member))));
  const membersOf = (request: AccessRequest, context?: ApproverContext) =>
    [...membersIn(context)].filter((member) => member !== request.subject && member !== request.requestedBy);

  return Object.freeze({
    name,
    fits: (engine: Pick<ApproverContext, 'canonicalId'>) => void membersIn(engine),
    decide(request: AccessRequest, context?: ApproverContext): Verdict {
      if (!patterns && hasPatterns(request, context?.scopes)) return ABSTAINS;
      const others = membersOf(request, context).length;
      if (others < approvals) {
        return {
          outcome: 'deny',
          reason: `needs ${approvals} approvals from group ${name}, but only ${others} of its members may review this request`,
        };
      }
      return { outcome: 'review', quorum: { groups: [{ name, approvals }], denials, approvalTtlMs, reviewWithinMs } };
    },
    groupsOf: (reviewer: string, _: AccessRequest, context?: ApproverContext) => (membersIn(context).has(reviewer) ? [name] : []),
    membersOf,
    // That too few may review is no reason against an emergency.
    breakGlass: () => ABSTAINS,
  });
}

function readMembers(value: unknown): ReadonlySet<string> {
  const members = new Set<string>();
  readBoundedList('members', value, 1).forEach((member, i) => {
    const id = readId(`members[${i}]`, member);
    if (members.has(id)) throw invalid(`members[${i}]`, 'different from the members before it', id);
    members.add(id);
  });
  return members;
}

/** Whether patterns may be granted; by default they may not, so that no rule meant for scopes hands out a wildcard. */
export function readPatterns(value: unknown): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw invalid('patterns', 'true or false', value);
  return value ?? false;
}

/** Whether anything asked reaches further than itself. What a matcher doesn't say of a scope may be so. */
export function hasPatterns({ scopes }: AccessRequest, matcher?: ScopeMatcher): boolean {
  if (!scopes.every(isScope)) return true;
  if (matcher === undefined || matcher.exact) return false;
  return scopes.some((scope) => matcher.isWide?.(scope) !== false);
}

export const ABSTAINS = Object.freeze({ outcome: 'abstain' } as const);
