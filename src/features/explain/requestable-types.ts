import type { RequiredField } from '../../core/approver-port.js';
import type { Risk } from '../../core/requestable.js';
import type { Quorum } from '../../records/index.js';

/** The options of `requestable`. */
export interface RequestableOptions {
  /** Who would ask, if this is not the subject. Default: the subject, or its agent if the subject is a run. */
  readonly requestedBy?: string | undefined;
  /** If the subject is a run: the operator on whose behalf it asks. A run has it only in a shortened form. Default: none. */
  readonly operator?: string | undefined;
}

/**
 * The result of an ask that meets the conditions.
 *
 * - `approve`: `requestAccess` grants it at once.
 * - `review`: reviewers decide about the request.
 * - `break_glass`: `breakGlass` gives access at once, and the use must be reviewed afterwards.
 */
export type RequestableOutcome = 'approve' | 'review' | 'break_glass';

/**
 * A scope that a subject may ask for. Of several items with the same verb, the first whose `scope` covers an asked scope is the one
 * that applies. If that scope overlaps one of its `except`, the ask is refused.
 */
export interface Requestable {
  /** A scope, or a pattern of the scopes that may be asked for. */
  readonly scope: string;
  /** The title of the scope, for people to read. `undefined`: none. */
  readonly title: string | undefined;
  /** What the scope gives, for people to read. `undefined`: none. */
  readonly description: string | undefined;
  /** How risky the access is, as the policy says. */
  readonly risk: Risk | undefined;
  /** What an ask that meets the conditions leads to. */
  readonly outcome: RequestableOutcome;
  /** The approver and its rule. A chain names the member. */
  readonly approver: string;
  /** The rule that decides. `undefined`: the approver names none. */
  readonly rule: string | undefined;
  /** The patterns within `scope` for which an ask is refused: rules deny them, or they are locked. */
  readonly except: readonly string[];
  /** Whether a lock refuses every ask for this scope at present. */
  readonly locked: boolean;
  /** Whether the pattern itself may be asked for. An ask for it must also meet each rule that it overlaps. */
  readonly patterns: boolean;
  /** The shortest and the longest window that starts now: by the rule with its hours, and the limits of the engine. Milliseconds. */
  readonly minTtlMs: number;
  /** The longest window: see `minTtlMs`. Milliseconds. */
  readonly maxTtlMs: number;
  /** How far ahead the window may start. 0 for break-glass, which starts at once. Milliseconds. */
  readonly maxStartAheadMs: number;
  /** What the ask must contain. */
  readonly needs: {
    /** Whether the ask must have a justification. */
    readonly justification: boolean;
    /** `true`: any ticket. A string: its form, such as `INC-####`. `undefined`: none. */
    readonly ticket: true | string | undefined;
    /** The fields of `metadata` that the ask must have. */
    readonly fields: readonly RequiredField[];
  };
  /** The approvals that are needed, if the outcome is `review`. */
  readonly quorum: Quorum | undefined;
  /** {@link quorum} in words: `2 of dba, or 1 of lead, then 1 of security`. */
  readonly quorumInWords: string | undefined;
  /** If the outcome is `break_glass`: one member of one of these groups must review the use within this time. */
  readonly afterReview: { readonly groups: readonly string[]; readonly withinMs: number } | undefined;
  /** The possible reviewers. `undefined`: none is needed, they cannot be listed, or they are more than 100. */
  readonly reviewers: readonly string[] | undefined;
  /**
   * How long reviewers usually take to decide under this rule: the median of its last 100 decided requests, among the newest 1,000
   * closed requests of the namespace, at most a minute old. `undefined`: fewer than 20, or no review is needed. Milliseconds.
   */
  readonly usualWaitMs: number | undefined;
  /** Whether `breakGlass` is open for every scope of this item. */
  readonly breakGlass: boolean;
}

/** What a subject may ask for. */
export interface RequestableList {
  /** The scopes that the subject may ask for. */
  readonly items: readonly Requestable[];
  /**
   * False: the subject may be able to ask for more. An approver cannot list it, there are more than 2,000 items, or a scope that is
   * refused now may be asked for with a later start.
   */
  readonly complete: boolean;
  /** The clock reading of this answer. Epoch milliseconds. */
  readonly at: number;
}
