import type { Compiled } from './compile.js';
import { lintCatalogue } from './lint-catalogue.js';
import { lintHolders } from './lint-holders.js';
import { lintDenials, lintOrder } from './lint-order.js';
import { lintGroups, lintReview } from './lint-people.js';
import { finding } from './finding.js';
import { Relations } from './relations.js';
import { lintIds } from './lint-ids.js';
import { lintPlainIds } from './lint-plain-ids.js';
import type { Finding } from './types.js';

/**
 * Finds parts of a policy that are valid but likely a mistake.
 *
 * @param asWritten the same policy compiled without its `canonicalId`. `undefined`: it has none
 */
export function lint(policy: Compiled, asWritten?: Compiled): readonly Finding[] {
  const { groups, reach } = policy;
  const relations = new Relations(reach);
  const findings = [
    ...lintOrder(policy, policy.giving, relations),
    ...lintDenials(policy, relations),
    ...lintOrder(policy, policy.breakGlass, relations),
    ...policy.giving.flatMap((rule) => lintReview(rule, groups)),
    ...lintHolders(policy, relations),
    ...lintGroups(policy),
    ...lintPlainIds(policy),
    ...lintCatalogue(policy, relations),
    ...(asWritten === undefined ? [] : lintIds(asWritten, policy)),
  ];
  if (relations.gaveUpAfter !== undefined) {
    const message = `lint stopped comparing rules after ${relations.gaveUpAfter} comparisons by matcher ${reach.name}. Split the policy, or its rules, so that lint can compare all of them`;
    findings.push(finding('too_large', {}, message));
  }
  // In the order of the rules. Findings without a rule come last.
  const places = new Map([...policy.rules, ...policy.breakGlass].map((rule, i) => [rule.id, i]));
  const place = ({ rule = '' }: Finding) => places.get(rule) ?? places.size;
  return Object.freeze(findings.sort((a, b) => place(a) - place(b)));
}
