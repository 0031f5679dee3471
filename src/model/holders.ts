/** The open grants of a rule with `maxHolders`. Each commit that issues a grant under the rule writes it. */
export interface Holders {
  /** The kind of this record: always `'holders'`. */
  readonly kind: 'holders';
  /** Derived from approver and rule. */
  readonly id: string;
  /** The version of this record. Each change increments it. */
  readonly version: number;
  /** The approver that the rule belongs to. */
  readonly approver: string;
  /** The id of the rule. */
  readonly rule: string;
  /** The ids of the grants that had not ended at the last change. */
  readonly grantIds: readonly string[];
}

/** How many subjects may hold access under a rule at a time. */
export interface HolderLimit {
  /** The approver's own name for the rule. */
  readonly rule: string;
  /** The greatest number of subjects, at least 1. */
  readonly max: number;
  /** The requested scopes that the rule gives. */
  readonly scopes: readonly string[];
}
