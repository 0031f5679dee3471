import { isDenying, type Compiled, type Giving, type RuleCore } from './compile.js';
import { finding } from './finding.js';
import { listOf, type Groups } from './question.js';
import type { Selector } from './people.js';
import type { Finding } from './types.js';

/** Finds quorums that can not be met, and escalations that come too late. */
export function lintReview({ id, review }: Giving, groups: Groups): Finding[] {
  if (review === undefined) return [];
  const findings: Finding[] = [];
  const people = new Set<string>();
  let all = 0;
  let isListed = true;
  for (const [group, count] of review.groups) {
    all += count;
    const list = listOf(groups, group);
    if (list === undefined) isListed = false;
    for (const person of list ?? []) people.add(person);
    // `lintGroups` reports an empty group.
    if (list === undefined || list.size === 0 || list.size >= count) continue;
    findings.push(
      finding(
        'quorum_too_big',
        { rule: id, group },
        `rule ${id} needs ${count} approvals from group ${group}, which lists only ${list.size}. Add people to it, or lower the number`,
      ),
    );
  }
  if (findings.length === 0 && isListed && people.size > 0 && people.size < all) {
    findings.push(
      finding(
        'quorum_too_big',
        { rule: id },
        `rule ${id} needs ${all} different reviewers, because each counts in one group only. Its groups list only ${people.size}. Add people to them, or lower the numbers`,
      ),
    );
  }
  const { denials, escalation, reviewWithinMs } = review;
  const standIns = escalation === undefined ? [] : listOf(groups, escalation.group);
  const deniers = new Set([...people, ...(standIns ?? [])]).size;
  if (isListed && standIns !== undefined && deniers > 0 && deniers < denials) {
    findings.push(
      finding(
        'quorum_too_big',
        { rule: id },
        `rule ${id} needs ${denials} denials to end a request, but its groups list only ${deniers}. Add people to them, or lower denials`,
      ),
    );
  }
  if (escalation !== undefined && reviewWithinMs !== undefined && escalation.afterMs >= reviewWithinMs) {
    findings.push(
      finding(
        'never_escalates',
        { rule: id, group: escalation.group },
        `rule ${id} escalates to group ${escalation.group} only after the review deadline. Shorten escalate.after, or lengthen reviewWithin`,
      ),
    );
  }
  return findings;
}

/** Finds groups that are empty, that are code, or that no rule names. */
export function lintGroups(policy: Compiled): Finding[] {
  const used = usedGroups(policy);
  return [...policy.groups].flatMap(([group, made]) => {
    const users = used.get(group);
    if (users === undefined) return [finding('unused_group', { group }, `no rule names group ${group}. Name it in a rule, or remove it`)];
    const by = `${users.length === 1 ? 'rule' : 'rules'} ${users.join(', ')}`;
    if ('live' in made)
      return [
        finding('untold_group', { group }, `group ${group} of ${by} is code, so lint can't list its members. Check that it has some`),
      ];
    if (made.list.size === 0)
      return [finding('empty_group', { group }, `group ${group} of ${by} is empty. Add people to it, or name another group`)];
    return [];
  });
}

function usedGroups({ rules, breakGlass }: Compiled): ReadonlyMap<string, readonly string[]> {
  const used = new Map<string, string[]>();
  const use = (rule: RuleCore, named: Iterable<string>) => {
    for (const group of new Set(named)) used.set(group, [...(used.get(group) ?? []), rule.id]);
  };
  const ofSelectors = (selectors: readonly Selector[] = []) => selectors.flatMap((one) => (one.kind === 'group' ? [one.group] : []));
  for (const rule of rules) {
    if (isDenying(rule)) use(rule, ofSelectors(rule.subjects));
    else {
      const { review } = rule;
      const reviewing = [...(review?.groups.keys() ?? []), ...(review?.escalation === undefined ? [] : [review.escalation.group])];
      use(rule, [...ofSelectors(rule.subjects), ...ofSelectors(rule.requesters), ...reviewing]);
    }
  }
  for (const rule of breakGlass) use(rule, [...ofSelectors(rule.subjects), ...ofSelectors(rule.requesters), ...rule.reviewers]);
  return used;
}
