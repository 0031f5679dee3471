import type { Compiled } from './compile.js';
import { lintDenials, lintOrder } from './lint-order.js';
import { lintGroups, lintReview } from './lint-people.js';
import type { Finding } from './types.js';

/** What about a policy is legal and surely not meant. */
export function lint(policy: Compiled): readonly Finding[] {
  const { groups } = policy;
  const findings = [
    ...lintOrder(policy.giving, policy.denying, groups),
    ...lintDenials(policy.denying, groups),
    ...lintOrder(policy.breakGlass, policy.denying, groups),
    ...policy.giving.flatMap((rule) => lintReview(rule, groups)),
    ...lintGroups(policy),
  ];
  // In the order in which the rules are written; what is about no rule comes last.
  const places = [...policy.rules, ...policy.breakGlass].map((rule) => rule.id);
  const place = ({ rule }: Finding) => (rule === undefined ? places.length : places.indexOf(rule));
  return Object.freeze(findings.sort((a, b) => place(a) - place(b)));
}
