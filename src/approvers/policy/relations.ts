import type { RuleCore } from './compile.js';
import { coversScope, indexOf, overlapsScope } from './matching.js';
import { inOrder } from './pattern-index.js';
import type { Parts, RuleScopes } from './rule-scopes.js';

/** An earlier rule, with its first pattern that is wider than a scope of a later rule. */
export interface Wider<Rule> {
  readonly earlier: Rule;
  readonly wide: Parts;
  readonly narrow: Parts;
}

/** Bounds the time of `lint`, which blocks the event loop: a second or two with a matcher that takes a microsecond. */
const MAX_COMPARISONS = 1_000_000;

/** Finds the rules that cover or overlap a scope, for `lint`. It uses the index, or a bounded number of custom comparisons. */
export class Relations {
  readonly #reach: RuleScopes;
  readonly #most: number;
  #left: number;

  constructor(reach: RuleScopes, most = MAX_COMPARISONS) {
    this.#reach = reach;
    this.#most = most;
    this.#left = most;
  }

  /** The bound, if it was reached before all rules were compared. */
  get gaveUpAfter(): number | undefined {
    return this.#left < 0 ? this.#most : undefined;
  }

  covering<Rule extends RuleCore>(rules: readonly Rule[], scope: Parts): readonly Rule[] {
    if (!this.#reach.mayReachFurther)
      return inOrder(
        indexOf(rules)
          .covering(scope)
          .map(({ rule }) => rule),
      ).map((at) => rules[at] as Rule);
    return rules.filter((rule) => this.#may(rule.scopes.length) && coversScope(rule, scope, this.#reach));
  }

  overlapping<Rule extends RuleCore>(rules: readonly Rule[], scope: Parts): readonly Rule[] {
    if (!this.#reach.mayReachFurther)
      return indexOf(rules)
        .overlapping(scope)
        .map((at) => rules[at] as Rule);
    return rules.filter((rule) => this.#may(rule.scopes.length) && overlapsScope(rule, scope, this.#reach));
  }

  /** The rules before a rule that are wider than it in at least one scope, in order. */
  wider<Rule extends RuleCore>(rules: readonly Rule[], at: number): readonly Wider<Rule>[] {
    const later = rules[at] as Rule;
    return this.#reach.mayReachFurther ? this.#widerByMatcher(rules.slice(0, at), later) : this.#widerByIndex(rules, at, later);
  }

  #widerByIndex<Rule extends RuleCore>(rules: readonly Rule[], at: number, later: Rule): readonly Wider<Rule>[] {
    const best = new Map<number, { readonly pattern: number; readonly narrow: Parts }>();
    for (const narrow of later.scopes) {
      for (const { rule, pattern } of indexOf(rules).covering(narrow)) {
        if (rule >= at || (best.get(rule)?.pattern ?? Infinity) <= pattern) continue;
        const wide = rules[rule]?.scopes[pattern] as Parts;
        if (!this.#reach.covers(narrow, wide)) best.set(rule, { pattern, narrow });
      }
    }
    return inOrder(best.keys()).map((rule) => {
      const { pattern, narrow } = best.get(rule) as { readonly pattern: number; readonly narrow: Parts };
      const earlier = rules[rule] as Rule;
      return { earlier, wide: earlier.scopes[pattern] as Parts, narrow };
    });
  }

  #widerByMatcher<Rule extends RuleCore>(before: readonly Rule[], later: Rule): readonly Wider<Rule>[] {
    return before.flatMap((earlier) => {
      for (const wide of earlier.scopes) {
        if (!this.#may(later.scopes.length)) return [];
        const narrow = later.scopes.find((scope) => this.#reach.covers(wide, scope) && !this.#reach.covers(scope, wide));
        if (narrow !== undefined) return [{ earlier, wide, narrow }];
      }
      return [];
    });
  }

  #may(comparisons: number): boolean {
    this.#left -= comparisons;
    return this.#left >= 0;
  }
}
