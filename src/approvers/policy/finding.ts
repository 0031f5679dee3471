/** A part of a policy that is valid but likely a mistake. */
export interface Finding {
  /**
   * The kind of the finding.
   *
   * - `never_matches`: a rule for no subject or no requester, at no time, or all of whose scopes deny rules cover.
   * - `always_holds`: a deny rule whose `when` omits no time.
   * - `shadowed`: a rule that other rules make needless.
   * - `wide_pattern`: a rule with a pattern that decides a scope of a later rule.
   * - `milder_outlasts`: a rule that approves at once, behind one that needs a review at some hours: its access may last into those.
   * - `other_limit`: a rule with `maxHolders`, of whose scopes another rule gives some without the same limit.
   * - `empty_group`, `untold_group`, `unused_group`, `quorum_too_big`, `never_escalates`: a group or quorum whose members may be
   *   unable to decide.
   * - `never_reminds`: a rule whose `remindEvery` is not shorter than the time to review.
   * - `not_given`: a scope of the catalogue that no rule gives, or that a deny rule denies to every subject.
   * - `misread_id`: an id that reads like a group, a pattern or `self`, and matches only itself.
   * - `changed_id`: an id that `canonicalId` changes.
   * - `too_large`: with a custom matcher, `lint` did not compare all rules.
   */
  readonly code:
    | 'never_matches'
    | 'always_holds'
    | 'shadowed'
    | 'wide_pattern'
    | 'milder_outlasts'
    | 'other_limit'
    | 'empty_group'
    | 'untold_group'
    | 'unused_group'
    | 'quorum_too_big'
    | 'never_escalates'
    | 'never_reminds'
    | 'not_given'
    | 'misread_id'
    | 'changed_id'
    | 'too_large';
  /** The id of the rule. `undefined`: the finding is about no single rule. */
  readonly rule: string | undefined;
  /** The name of the group. `undefined`: the finding is about no single group. */
  readonly group: string | undefined;
  /** The problem, and what to change. */
  readonly message: string;
}

export const finding = (code: Finding['code'], about: { readonly rule?: string; readonly group?: string }, message: string): Finding =>
  Object.freeze({ code, rule: about.rule, group: about.group, message });
