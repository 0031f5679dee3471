import type { JsonObject } from '../../core/json.js';
import type { AskableApprover, MaybePromise, QuorumInput, ScopeMatcher, TermsInput } from '../../core/ports.js';
import type { AccessRequest } from '../../records/index.js';
import type { Instant } from '../../core/instant.js';
import type { Duration } from '../../core/duration.js';

/**
 * Whom a rule speaks of: one id, written out; `{ like }`, ids that begin and end in a certain way, where the one `*`
 * stands for one or more characters (`user:*`, `*@example.com`, `*` for everybody); or `{ group }`.
 */
export type People = string | { readonly like: string } | { readonly group: string };

/** Who may ask: {@link People}, or `{ self: true }` for the subject itself. */
export type Requesters = People | { readonly self: true };

/** A group whose people are known to code: "the subject's manager", or whoever a directory lists. */
export interface LiveGroup {
  /** Whether this person is in the group now, as far as this request goes. A throw, or an answer that is no boolean, fails the question. */
  isMember(person: string, request: AccessRequest): MaybePromise<boolean>;
  /** Everybody in it. Only told to people, and it gives no right. Absent: answers name the group instead. */
  members?(request: AccessRequest): MaybePromise<readonly string[]>;
}

/** What must be said with an ask. */
export interface Requirements {
  readonly justification?: boolean | undefined;
  /** `true`: any ticket; or what it looks like: `#` is one digit, a `*` at the end one or more characters: `INC-####`, `INC-*`. */
  readonly ticket?: true | string | undefined;
}

/** What is shown of every rule. */
export interface RuleHead {
  /** 1-64 of `[A-Za-z0-9_.~@/+=-]`, not ending in `...`, unique among the rules. Keep it: requests on record name it. */
  readonly id: string;
  /** Patterns of scopes. */
  readonly scopes: readonly string[];
  /** For whose access it is the rule. Default: everybody's, runs of agents included. */
  readonly subjects?: readonly People[] | undefined;
}

/** What an ask has to be like. An ask that isn't is refused with a reason; it never falls through to a later rule. */
export interface Conditions {
  /** Who may ask for these subjects. Default: only the subject itself. */
  readonly requesters?: readonly Requesters[] | undefined;
  readonly minTtl?: Duration | undefined;
  readonly maxTtl?: Duration | undefined;
  readonly require?: Requirements | undefined;
  /** Whether a pattern of scopes may be given. Default: no. */
  readonly patterns?: boolean | undefined;
  /**
   * Whether `subjects` that name an agent name its runs too. Default: no: what gives to an agent gives nothing to its
   * runs. A deny rule for an agent always reaches them.
   */
  readonly runs?: boolean | undefined;
}

/** What comes with the access, copied onto the request. */
export interface Given {
  /** How long before a grant's end its warnings are recorded: a duration, or a list of 1 to 10 different ones. */
  readonly warnBefore?: Duration | readonly Duration[] | undefined;
  /** A grant ends when it has not been used for this long. */
  readonly idleTtl?: Duration | undefined;
  /** How many times a grant may be used. */
  readonly maxUses?: number | undefined;
  /** The longest time from the first start to the end of the last extension. */
  readonly maxTotal?: Duration | undefined;
}

export interface GivingRule extends RuleHead, Conditions, Given {
  /** How far ahead of the ask a scheduled start may lie. Default: the engine's `limits.maxStartAhead`. */
  readonly maxStartAhead?: Duration | undefined;
}

/** Approves what it covers, with nobody asked. */
export interface ApproveRule extends GivingRule {
  readonly approve: true;
}

/** Sends what it covers to people. */
export interface ReviewRule extends GivingRule {
  readonly review: {
    /** How many of each group must approve: at least 1 of each. */
    readonly groups: Readonly<Record<string, number>>;
    /** How many denials, over all groups, end it. Default: 1. */
    readonly denials?: number | undefined;
    /** How long one approval counts. Default: as long as the request is open. */
    readonly approvalTtl?: Duration | undefined;
    /** How long the reviewers have. Default: the engine's `limits.reviewWithin`. */
    readonly reviewWithin?: Duration | undefined;
    /** After this long, members of `to` may stand in for any of the groups. */
    readonly escalate?: { readonly to: string; readonly after: Duration } | undefined;
  };
}

/** Denies whatever overlaps its scopes, before all other rules, wherever it stands. */
export interface DenyRule extends RuleHead {
  /** The reason that whoever asks is told. */
  readonly deny: string;
}

/** A rule has exactly one outcome: `approve`, `deny` or `review`. */
export type PolicyRule = ApproveRule | DenyRule | ReviewRule;

/** Access at once, reviewed afterwards. A justification is always required. */
export interface BreakGlassRule extends RuleHead, Conditions, Given {
  readonly maxTtl: Duration;
  /** The groups one of whose members gives the review that is owed. */
  readonly reviewers: readonly string[];
  /** How long after its start that review is overdue. */
  readonly reviewWithin: Duration;
  /** How many reviews the subject, and whoever asks for it, may owe at a time, this one included. Default: 1. */
  readonly maxUnreviewed?: number | undefined;
}

/** A policy as it is written. Without groups of code it is JSON. */
export interface PolicyDefinition {
  /** Stays on every request that it decides. Default: `'policy'`. */
  readonly name?: string | undefined;
  /** Lists of ids, or code. */
  readonly groups?: Readonly<Record<string, readonly string[] | LiveGroup>> | undefined;
  /** In order: the first that covers a scope decides. */
  readonly rules: readonly PolicyRule[];
  /** In order, and apart from `rules`: the first that covers a scope decides. */
  readonly breakGlass?: readonly BreakGlassRule[] | undefined;
}

/** What goes with a policy and is no data. */
export interface PolicyOptions {
  /**
   * How far scopes reach, for rules that cover and for deny rules that overlap. An engine whose matcher has another name
   * refuses this policy. Default: the engine's own matcher; `lint` and `explain`, which ask no engine, take `patternScopes`.
   */
  readonly scopes?: ScopeMatcher | undefined;
  /**
   * The engine's `canonicalId`, for `lint`, which names the ids that it changes, and for `explain`. In an engine its own is
   * applied to every id of the policy, whether or not it is given here.
   */
  readonly canonicalId?: ((id: string) => string) | undefined;
}

/** Something about a policy that is legal and surely not meant. */
export interface Finding {
  /**
   * `never_matches`, `shadowed`, `wide_pattern`: a rule that others keep from deciding. `empty_group`, `untold_group`,
   * `unused_group`, `quorum_too_big`, `never_escalates`: what keeps people from deciding. `changed_id`: an id in another form
   * than `canonicalId` gives it. `too_large`: by a matcher of your own, not all rules were compared.
   */
  readonly code:
    | 'never_matches'
    | 'shadowed'
    | 'wide_pattern'
    | 'empty_group'
    | 'untold_group'
    | 'unused_group'
    | 'quorum_too_big'
    | 'never_escalates'
    | 'changed_id'
    | 'too_large';
  readonly rule: string | undefined;
  readonly group: string | undefined;
  /** What is so, and what to change. */
  readonly message: string;
}

/** What `explain` takes where nothing is on record: the fields of `requestAccess`. */
export interface PolicyQuestion {
  readonly subject: string;
  readonly scope?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly ttl: Duration;
  readonly startsAt?: Instant | undefined;
  readonly justification?: string | undefined;
  readonly ticket?: string | undefined;
  readonly requestedBy?: string | undefined;
  /** Where `subject` is a run of an agent: on whose behalf it asks. */
  readonly operator?: string | undefined;
  readonly metadata?: JsonObject | undefined;
  /** When it is asked, epoch milliseconds or a `Date`; needed with `startsAt`, for a policy has no clock. */
  readonly at?: Instant | undefined;
}

/** What a rule has to say about one scope. */
export interface ConsideredRule {
  readonly rule: string;
  /** `decides`: it holds for this scope. `passed_over`: it doesn't. */
  readonly verdict: 'decides' | 'passed_over';
  readonly why: string;
}

/** What would happen, and why. */
export interface Explanation {
  /** `ineligible`: refused, and no request is recorded. */
  readonly outcome: 'approve' | 'deny' | 'review' | 'ineligible';
  /** The rules that hold, joined by commas. */
  readonly rule: string | undefined;
  readonly reason: string | undefined;
  readonly quorum: QuorumInput | undefined;
  /** Who may review; a group that can't be listed as `group:<name>`. */
  readonly reviewers: readonly string[] | undefined;
  readonly terms: TermsInput | undefined;
  /** For each scope, each rule in order. */
  readonly scopes: readonly { readonly scope: string; readonly considered: readonly ConsideredRule[] }[];
}

/**
 * An approver made of rules.
 *
 * Numbers are frozen, rights are live: what a rule says at creation is copied onto the request and no edit changes it;
 * membership, deny rules and whether there is a rule at all are asked each time, and can only take away.
 */
export interface Policy extends AskableApprover {
  /** What is surely not meant, each with what to change. Only a look at the rules: no group of code is asked. */
  lint(): readonly Finding[];
  /**
   * What would happen to this request: by which rule, why, who may review. Nothing is stored.
   *
   * @throws InvalidArgumentError; whatever a group of code throws
   */
  explain(request: PolicyQuestion | AccessRequest): Promise<Explanation>;
}
