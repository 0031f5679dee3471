import type { Assurance, Escalation } from '../model/review.js';

/** A group of a {@link QuorumInput}. */
export interface QuorumGroupInput {
  /** The name of the group, as `groupsOf` returns it. */
  readonly name: string;
  /** The number of its members that must approve. At least 1. */
  readonly approvals: number;
  /** The number of denials in this group that ends the request. Default: only the other numbers apply. */
  readonly denials?: number | undefined;
}

/** A step of a {@link QuorumInput}. */
export interface QuorumStepInput {
  /** All of these groups must approve. */
  readonly groups: readonly QuorumGroupInput[];
  /** The groups whose members may stand in for each group of this step, each from `afterMs` after the step began. */
  readonly escalation?: Escalation | readonly Escalation[] | undefined;
}

/** An alternative of a {@link QuorumInput}, with either `groups` or `steps`. */
export interface QuorumAlternativeInput {
  /** All of these groups must approve. */
  readonly groups?: readonly QuorumGroupInput[] | undefined;
  /** Steps in order: the groups of a step may approve once all steps before it are complete. */
  readonly steps?: readonly QuorumStepInput[] | undefined;
  /** The number of denials in this alternative that ends the request. Default: only the other numbers apply. */
  readonly denials?: number | undefined;
}

/** A `Quorum` as an approver writes it, with optional fields. It has exactly one of `groups`, `steps` and `anyOf`. */
export interface QuorumInput {
  /** All of these groups must approve. */
  readonly groups?: readonly QuorumGroupInput[] | undefined;
  /** Steps in order, at most 10. */
  readonly steps?: readonly QuorumStepInput[] | undefined;
  /** Alternatives, at most 20: one complete alternative is enough. */
  readonly anyOf?: readonly QuorumAlternativeInput[] | undefined;
  /** How many denials end the request, over all groups. Default: 1. */
  readonly denials?: number | undefined;
  /** How long an approval counts, in milliseconds. Default: as long as the request is open. */
  readonly approvalTtlMs?: number | undefined;
  /** How long reviewers have from this answer on, in milliseconds. Default: the deadline that the request already has. */
  readonly reviewWithinMs?: number | undefined;
  /**
   * The groups whose members may review in place of any other group of `groups`, here and in the alternatives, each once `afterMs`
   * milliseconds have passed. Steps have their own.
   */
  readonly escalation?: Escalation | readonly Escalation[] | undefined;
  /** How every reviewer who approves must have been authenticated: `acr`, `maxAgeMs` or both. Default: in any way. */
  readonly assurance?: Partial<Assurance> | undefined;
  /** How often the reviewers are reminded while the request waits, in milliseconds: at least 5 minutes. Default: never. */
  readonly remindEveryMs?: number | undefined;
}
