import type { RuleCore } from './compile.js';
import type { Parts } from './rule-scopes.js';

/** The position of a pattern: the index of its rule, and its index in the scopes of the rule. */
export interface Place {
  readonly rule: number;
  readonly pattern: number;
}

interface Node {
  readonly children: Map<string, Node>;
  /** The patterns that end here. */
  readonly ends: Place[];
  /** The patterns whose next segment is `**`. */
  readonly rest: Place[];
  /** The rules of all patterns with further segments, each once, in order. */
  readonly beyond: number[];
}

const newNode = (): Node => ({ children: new Map(), ends: [], rest: [], beyond: [] });

/**
 * The patterns of rules as a tree of segments, for `patternScopes`. It finds the patterns that cover or overlap a scope by a walk
 * along the scope, regardless of the number of rules. A comparison with each pattern of a large policy would block the event loop (L42).
 */
export class PatternIndex {
  readonly #root = newNode();
  /** The number of visited nodes, for tests and measurements. */
  steps = 0;

  constructor(rules: readonly RuleCore[]) {
    rules.forEach(({ scopes }, rule) => {
      scopes.forEach(({ segments }, pattern) => {
        this.#add(segments, { rule, pattern });
      });
    });
  }

  #add(segments: readonly string[], place: Place): void {
    let node = this.#root;
    for (const segment of segments) {
      if (node.beyond.at(-1) !== place.rule) node.beyond.push(place.rule);
      if (segment === '**') {
        node.rest.push(place);
        return;
      }
      const next = node.children.get(segment) ?? newNode();
      node.children.set(segment, next);
      node = next;
    }
    // A malformed pattern has no segments, and matches no scope.
    if (segments.length > 0) node.ends.push(place);
  }

  /** The patterns that cover a scope, in any order. */
  covering({ segments }: Parts): readonly Place[] {
    const found: Place[] = [];
    const walk = (node: Node, at: number): void => {
      this.steps += 1;
      if (at === segments.length) {
        found.push(...node.ends);
        return;
      }
      found.push(...node.rest);
      const segment = segments[at] as string;
      if (segment === '**') return;
      for (const name of segment === '*' ? ['*'] : [segment, '*']) {
        const next = node.children.get(name);
        if (next !== undefined) walk(next, at + 1);
      }
    };
    if (segments.length > 0) walk(this.#root, 0);
    return found;
  }

  /** The rules with a pattern that overlaps a scope, each once, in order. */
  overlapping({ segments }: Parts): readonly number[] {
    const found = new Set<number>();
    const walk = (node: Node, at: number): void => {
      this.steps += 1;
      if (at === segments.length) {
        for (const { rule } of node.ends) found.add(rule);
        return;
      }
      const segment = segments[at] as string;
      if (segment === '**') {
        for (const rule of node.beyond) found.add(rule);
        return;
      }
      for (const { rule } of node.rest) found.add(rule);
      if (segment === '*') {
        for (const next of node.children.values()) walk(next, at + 1);
        return;
      }
      for (const name of [segment, '*']) {
        const next = node.children.get(name);
        if (next !== undefined) walk(next, at + 1);
      }
    };
    if (segments.length > 0) walk(this.#root, 0);
    return inOrder(found);
  }
}

/** The indexes of rules, each once, in the order of the policy. */
export const inOrder = (rules: Iterable<number>): readonly number[] => [...new Set(rules)].sort((a, b) => a - b);
