import { byCanonicalId } from './canonical.js';
import { promising } from '../core/decides-at-once.js';
import { assertBoolean, invalid, readCount, readId, readBoundedList, readOptions } from '../core/parse.js';
import type { ApproverContext, AskableApprover, RequestableAnswer, RequestableContext, Verdict } from '../core/approver-port.js';
import type { ScopeMatcher } from '../core/ports.js';
import type { AccessRequest } from '../records/index.js';
import { MAX_LISTED } from '../core/requestable.js';
import { isScope } from '../core/scope.js';
import { readWindow, type Duration } from '../core/duration.js';

export interface ReviewersOptions {
  /** The ids of the possible reviewers. */
  readonly members: readonly string[];
  /** The number of members that must approve. Default: 1. */
  readonly approvals?: number | undefined;
  /** The number of denials that ends a request. Default: 1. */
  readonly denials?: number | undefined;
  /** How long an approval counts: milliseconds, or a string like `'4h'`. Default: as long as the request is open. */
  readonly approvalTtl?: Duration | undefined;
  /** The time to review from the verdict on: milliseconds, or a string. Default: the engine's `limits.reviewWithin`. */
  readonly reviewWithin?: Duration | undefined;
  /**
   * Whether the approver handles requests for a scope pattern. With a custom matcher: for any scope that reaches further than
   * itself. Default: false. It then abstains on such a request.
   */
  readonly patterns?: boolean | undefined;
  /** The name of the approver and of its only group. Default: `'reviewers'`. */
  readonly name?: string | undefined;
}

/**
 * An approver with one group of reviewers, m of n of whom must approve. The subject and the requester never count. If too
 * few other members are left, the approver denies the request at once and gives that reason.
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
  const approvalTtlMs = approvalTtl === undefined ? undefined : readWindow('approvalTtl', approvalTtl);
  const reviewWithinMs = reviewWithin === undefined ? undefined : readWindow('reviewWithin', reviewWithin);
  const patterns = readPatterns(givenPatterns);
  // Canonical ids: the engine asks only about ids in this form.
  const membersIn = byCanonicalId((canonical) => new Set([...members].map((member, i) => canonical(`members[${i}]`, member))));
  const membersOf = (request: Pick<AccessRequest, 'subject' | 'requestedBy'>, context?: ApproverContext) =>
    [...membersIn(context)].filter((member) => member !== request.subject && member !== request.requestedBy);
  const groups = Object.freeze([Object.freeze({ name, approvals })]);
  const quorum = Object.freeze({ groups, denials, approvalTtlMs, reviewWithinMs });

  return promising({
    name,
    fits: (engine: Pick<ApproverContext, 'canonicalId'>) => void membersIn(engine),
    decide(request: AccessRequest, context?: ApproverContext): Verdict {
      if (!patterns && hasPatterns(request, context?.scopes)) return ABSTAINS;
      const others = membersOf(request, context).length;
      if (others < approvals) {
        return {
          outcome: 'deny',
          reason: `needs ${approvals} approvals from group ${name}, but only ${others} of its members may review this request: its subject and its requester never may`,
        };
      }
      return { outcome: 'review', quorum };
    },
    groupsOf: (reviewer: string, _: AccessRequest, context?: ApproverContext) => (membersIn(context).has(reviewer) ? [name] : []),
    membersOf,
    // Abstains in an emergency: otherwise a chain would call `decide`, and too few reviewers would refuse break-glass.
    breakGlass: () => ABSTAINS,
    requestable(subject: string, context?: RequestableContext): RequestableAnswer {
      const people = membersOf({ subject, requestedBy: context?.requestedBy ?? subject }, context);
      if (people.length < approvals) return { items: [], denied: ['**'] };
      return {
        items: [{ scope: '**', outcome: 'review', patterns, quorum, reviewers: people.length > MAX_LISTED ? undefined : people }],
      };
    },
  });
}

function readMembers(value: unknown): ReadonlySet<string> {
  const members = new Set<string>();
  readBoundedList('members', value, 1).forEach((member, i) => {
    const id = readId(`members[${i}]`, member);
    if (members.has(id)) throw invalid(`members[${i}]`, 'listed only once', id);
    members.add(id);
  });
  return members;
}

/** Reads the option `patterns`. Its default is false, so that no rule for plain scopes grants a wildcard by accident. */
export function readPatterns(value: unknown): boolean {
  if (value !== undefined) assertBoolean('patterns', value);
  return value ?? false;
}

/** Whether a requested scope reaches further than itself. If a custom matcher does not say, the scope counts as wide. */
export function hasPatterns({ scopes }: AccessRequest, matcher?: ScopeMatcher): boolean {
  if (!scopes.every(isScope)) return true;
  if (matcher === undefined || matcher.exact) return false;
  return scopes.some((scope) => matcher.isWide?.(scope) !== false);
}

export const ABSTAINS = /* @__PURE__ */ Object.freeze({ outcome: 'abstain' } as const);
