import type { Calendar, Weekday } from '../calendar/read-when.js';
import type { ConsideredRule, Explanation, PolicyQuestion } from './explanation.js';
import type { MetadataField } from './fields.js';
import type { Finding } from './finding.js';
import type { EscalateTo, GroupQuorum, ReviewAlternative, ReviewAssurance, ReviewGroups, ReviewStep } from './review-forms.js';
import type { AskableApprover } from '../../core/approver-port.js';
import type { MaybePromise, ScopeMatcher } from '../../core/ports.js';
import type { Risk } from '../../core/requestable.js';
import type { AccessRequest } from '../../records/index.js';
import type { Duration } from '../../core/duration.js';

export type {
  Calendar,
  ConsideredRule,
  EscalateTo,
  Explanation,
  Finding,
  GroupQuorum,
  MetadataField,
  PolicyQuestion,
  ReviewAlternative,
  ReviewAssurance,
  ReviewGroups,
  ReviewStep,
  Weekday,
};

/**
 * Selects people:
 *
 * - a string: the id itself
 * - `{ like }`: all ids of a form, where the only `*` matches one or more characters (`user:*`, `*@example.com`, `*` for all ids)
 * - `{ group }`: the members of a group
 */
export type People<Group extends string = string> = string | { readonly like: string } | { readonly group: Group };

/** Selects requesters: {@link People}, or `{ self: true }` for the subject itself. */
export type Requesters<Group extends string = string> = People<Group> | { readonly self: true };

/** A group whose members code decides: for example "the subject's manager", or the members in a directory. */
export interface LiveGroup {
  /** Whether this person is now in the group, for this request. If it throws or returns no boolean, the approver fails. */
  isMember(person: string, request: AccessRequest): MaybePromise<boolean>;
  /**
   * The answers of `isMember` for many requests, together: a list with one item for each request, in their order. `inbox` then asks a
   * directory once and not for each request. If it throws or returns anything else, the approver fails. Absent: `isMember` is called for each.
   */
  isMemberForAll?(person: string, requests: readonly AccessRequest[]): MaybePromise<readonly MaybePromise<boolean>[]>;
  /**
   * The ids of all members, for people to read and for the events of the HTTP handler. It gives no right. Absent: answers name the
   * group as `group:<name>`.
   */
  members?(request: AccessRequest): MaybePromise<readonly string[]>;
}

/** The texts and metadata that a request must have. */
export interface Requirements {
  /** Whether a request must have a justification. Default: false. */
  readonly justification?: boolean | undefined;
  /** `true`: any ticket. A string: its form, such as `INC-####` or `INC-*`. `#` is a digit, a final `*` one or more characters. */
  readonly ticket?: true | string | undefined;
  /** The fields of `metadata` by name, at most 50. Other fields stay allowed. */
  readonly fields?: Readonly<Record<string, MetadataField>> | undefined;
}

/** The fields of every rule. */
export interface RuleHead<Group extends string = string> {
  /** 1-64 of `[A-Za-z0-9_.~@/+=-]`, not ending in `...`, unique among the rules. Do not change it: recorded requests name it. */
  readonly id: string;
  /** The scopes and scope patterns of the rule. */
  readonly scopes: readonly string[];
  /** The subjects that the rule applies to. Default: every subject, including runs of agents. */
  readonly subjects?: readonly People<Group>[] | undefined;
  /**
   * When the rule holds: a calendar, or a list of 1 to 10 of which one must match. At other times the rule does not apply. Default: always.
   *
   * The engine judges it at the start of the access. An approve, review or break-glass rule gives access at most until it no longer holds,
   * or until a deny rule begins to hold.
   */
  readonly when?: Calendar | readonly Calendar[] | undefined;
}

/** How people read about a scope. It decides nothing: `requestable` lists it. */
export interface About {
  /** 1-256 characters on one line. */
  readonly title?: string | undefined;
  /** Text of at most 4 KiB. */
  readonly description?: string | undefined;
  /** How risky the access is, for people to read: `'low'`, `'medium'`, `'high'` or `'critical'`. Default: none. */
  readonly risk?: Risk | undefined;
}

/** A scope that people may ask for by name. It gives no access: the rules decide. */
export interface CatalogueItem extends About {
  /** A scope without wildcards. */
  readonly scope: string;
}

/** The conditions of a request. The policy refuses a request that does not meet them, with a reason. It tries no later rule. */
export interface Conditions<Group extends string = string> {
  /** The requesters that may ask for these subjects. Default: only the subject itself. */
  readonly requesters?: readonly Requesters<Group>[] | undefined;
  /** The shortest window that may be requested: a string like `'5m'`, or milliseconds. Default: `limits.minTtl` of the engine. */
  readonly minTtl?: Duration | undefined;
  /** The longest window that may be requested: a string like `'4h'`, or milliseconds. Default: `limits.maxTtl` of the engine. */
  readonly maxTtl?: Duration | undefined;
  /** What a request must state: a justification, a ticket, fields of `metadata`. Default: nothing. */
  readonly require?: Requirements | undefined;
  /** Whether the rule may give a scope pattern. Default: false. */
  readonly patterns?: boolean | undefined;
  /**
   * Whether a subject that is an agent also matches its runs. Default: false: access for an agent gives nothing to its runs.
   * A deny rule for an agent always reaches its runs.
   */
  readonly runs?: boolean | undefined;
}

/** The terms of the access, copied onto the request. Durations are milliseconds, or strings like `'30m'`. */
export interface Given {
  /** How long before a grant's expiry its warnings are recorded: a duration, or a list of 1 to 10 different ones. */
  readonly warnBefore?: Duration | readonly Duration[] | undefined;
  /** The idle time after which an unused grant ends. */
  readonly idleTtl?: Duration | undefined;
  /** The number of uses that a grant has. */
  readonly maxUses?: number | undefined;
  /** The longest time from the start of an extension chain to the expiry of its last grant. */
  readonly maxTotal?: Duration | undefined;
}

export interface GivingRule<Group extends string = string> extends RuleHead<Group>, About, Conditions<Group>, Given {
  /**
   * How many subjects may hold access under this rule at a time: 1 to 100. At the limit, an approval is refused with `ERR_JIT_LIMIT`, and
   * the request stays pending. Break-glass access to the scopes of the rule counts, and is never refused. Default: any number.
   */
  readonly maxHolders?: number | undefined;
  /** The longest time from the request to a scheduled start. Default: the engine's `limits.maxStartAhead`. */
  readonly maxStartAhead?: Duration | undefined;
}

/** Approves the scopes that it covers, without a review. */
export interface ApproveRule<Group extends string = string> extends GivingRule<Group> {
  /** Always `true`: the policy approves without a review. */
  readonly approve: true;
}

/** Requires a review of the scopes that it covers. */
export interface ReviewRule<Group extends string = string> extends GivingRule<Group> {
  /** Has exactly one of `groups`, `steps` and `anyOf`. */
  readonly review: {
    /** All of these groups must approve. */
    readonly groups?: ReviewGroups<Group> | undefined;
    /** Steps in order, at most 10: the groups of a step may approve once all steps before it are complete. */
    readonly steps?: readonly ReviewStep<Group>[] | undefined;
    /** Alternatives, at most 20: one complete alternative is enough. */
    readonly anyOf?: readonly ReviewAlternative<Group>[] | undefined;
    /** The number of denials, over all groups, that ends the request. Default: 1. */
    readonly denials?: number | undefined;
    /** How long an approval counts: milliseconds, or a string like `'4h'`. Default: as long as the request is open. */
    readonly approvalTtl?: Duration | undefined;
    /** The time to review from the verdict on: milliseconds, or a string. Default: the engine's `limits.reviewWithin`. */
    readonly reviewWithin?: Duration | undefined;
    /**
     * Members of the group `to` may stand in for any of `groups`, once `after` has passed since the verdict. A list names several such
     * groups. It also applies to the `groups` of alternatives. A step has its own.
     */
    readonly escalate?: EscalateTo<Group> | readonly EscalateTo<Group>[] | undefined;
    /** How every reviewer who approves must have been authenticated. Default: in any way. */
    readonly assurance?: ReviewAssurance | undefined;
    /** How often the reviewers are reminded while the request waits: at least 5 minutes. Default: never. */
    readonly remindEvery?: Duration | undefined;
  };
}

/** Denies every request that overlaps its scopes. It takes precedence over all other rules, in any order. */
export interface DenyRule<Group extends string = string> extends RuleHead<Group> {
  /** The reason that the requester receives. */
  readonly deny: string;
}

/** A rule has exactly one outcome: `approve`, `deny` or `review`. */
export type PolicyRule<Group extends string = string> = ApproveRule<Group> | DenyRule<Group> | ReviewRule<Group>;

/** Gives break-glass access at once. The use must be reviewed afterwards. A justification is always required. */
export interface BreakGlassRule<Group extends string = string> extends RuleHead<Group>, About, Conditions<Group>, Given {
  /** The longest window of the access: a string like `'30m'`, or milliseconds. */
  readonly maxTtl: Duration;
  /** The groups whose members may review the use. */
  readonly reviewers: readonly Group[];
  /** The time from the start of the access after which the review is overdue: milliseconds, or a string like `'24h'`. */
  readonly reviewWithin: Duration;
  /** The greatest number of pending break-glass reviews of the subject, and of the requester, with this one. Default: 1. */
  readonly maxUnreviewed?: number | undefined;
}

/**
 * The rules and groups of a policy. Without live groups, it is JSON.
 *
 * @typeParam Group the names of the groups
 * @typeParam Named the names that rules may name
 */
export interface PolicyDefinition<Group extends string = string, Named extends string = Group> {
  /** The approver's name. Every request that the policy decides keeps it. Default: `'policy'`. */
  readonly name?: string | undefined;
  /** The groups by name: lists of ids, or code. */
  readonly groups?: Readonly<Record<Group, readonly string[] | LiveGroup>> | undefined;
  /** The rules in order: the first that covers a scope for the subject decides it. */
  readonly rules: readonly PolicyRule<Named>[];
  /** The break-glass rules in order: the first that covers a scope for the subject decides it. Independent of `rules`. */
  readonly breakGlass?: readonly BreakGlassRule<Named>[] | undefined;
  /** The concrete scopes that `requestable` lists, each with its own texts, if a rule gives it to the subject. At most 1,000. */
  readonly catalogue?: readonly CatalogueItem[] | undefined;
}

/** The names that rules may name: those of the groups, or any name if one that a rule names is a `string`, known only at run time. */
export type RuleGroup<Group extends string, Named extends string> = string extends Named ? Named : NoInfer<Group>;

/** The options of a policy that are functions. */
export interface PolicyOptions {
  /**
   * The matcher by which rules cover and deny rules overlap. An engine whose matcher has another name refuses this policy.
   * Default: the engine's own matcher. `lint` and `explain` have no engine, so they use `patternScopes`.
   */
  readonly scopes?: ScopeMatcher | undefined;
  /**
   * The engine's `canonicalId`, for `explain`, and for `lint`, which names the ids that it changes. An engine always applies its
   * own to every id of the policy, whether or not this option is given. Default: none.
   */
  readonly canonicalId?: ((id: string) => string) | undefined;
}

/**
 * An approver made of rules.
 *
 * Numbers are frozen and rights are live. The engine copies the numbers of a rule onto the request at creation, and no edit
 * of the policy changes them. It asks again about memberships, deny rules and the existence of a rule. Such an answer can only
 * deny access.
 */
export interface Policy extends AskableApprover {
  /** Finds the likely mistakes of the policy, each with what to change. It asks no live group. */
  lint(): readonly Finding[];
  /**
   * Returns the answer to this request: by which rule, why, and who may review. It stores nothing.
   *
   * @throws InvalidArgumentError
   * @throws the errors of live groups
   */
  explain(request: PolicyQuestion | AccessRequest): Promise<Explanation>;
}
