import { isDenying, type Compiled, type Giving, type RuleCore } from './compile.js';
import { groupsIn, type Alternative } from '../../records/index.js';
import { finding } from './finding.js';
import { listedBelow, whyUnmeetable, type Members, type Unmeetable } from './meetable.js';
import { formOf, type ReviewTerms } from './review-terms.js';
import { listOf, type Groups } from './question.js';
import type { Selector } from './selectors.js';
import type { Finding } from './types.js';

/** Finds numbers of approvals and denials that cannot be reached, and escalations and reminders that come too late. */
export function lintReview({ id, review }: Giving, groups: Groups): Finding[] {
  if (review === undefined) return [];
  const { alternatives, denials } = review;
  const quorum = formOf(alternatives);
  const tooBig = (message: string, group?: string) =>
    finding('quorum_too_big', group === undefined ? { rule: id } : { rule: id, group }, `rule ${id} needs ${message}`);
  const members = (group: string) => {
    const list = listOf(groups, group);
    return list && { size: list.size, people: () => list };
  };
  const findings = alternatives.flatMap((alternative) =>
    tooFewApprovers(alternative, members).map(({ group, approvals, people, missing }) =>
      group === undefined
        ? tooBig(
            `${approvals} different reviewers, because each counts in one group only. Its groups ${people < approvals ? `list only ${people}` : `lack ${missing}`}. Add people to them, or lower the numbers`,
          )
        : tooBig(`${approvals} approvals from group ${group}, which lists only ${people}. Add people to it, or lower the number`, group),
    ),
  );
  const all = groupsIn(quorum);
  const deniers = listedBelow(denials, all, members);
  if (deniers !== undefined && deniers > 0)
    findings.push(tooBig(`${denials} denials to end a request, but its groups list only ${deniers}. Add people to them, or lower denials`));
  return [...findings, ...lintDenials(review, members, tooBig), ...lintEscalation(id, review), ...lintReminders(id, review)];
}

/** Why the people in the lists cannot complete an alternative. `lintGroups` reports an empty group. */
function tooFewApprovers(alternative: Alternative, members: Members): readonly Unmeetable[] {
  const groups = alternative.steps.flatMap((step) => step.groups);
  // A group that may stand in hides a number that is too great, until it is needed.
  const without = alternative.steps.map((step) => ({ ...step, escalation: undefined }));
  const alone = groups.flatMap(({ name }) => {
    const own = without.map((step) => ({ ...step, groups: step.groups.filter((group) => group.name === name) }));
    return whyUnmeetable({ steps: own, denials: undefined }, members) ?? [];
  });
  if (alone.length > 0) return [...new Map(alone.filter(({ people }) => people > 0).map((one) => [one.group, one])).values()];
  const together = whyUnmeetable({ steps: without, denials: undefined }, members);
  return together === undefined ? [] : [together];
}

/** Finds numbers of denials of an alternative or a group that its people cannot reach. */
function lintDenials({ alternatives }: ReviewTerms, members: Members, tooBig: (message: string, group?: string) => Finding): Finding[] {
  return alternatives.flatMap(({ steps, denials }, i) => {
    const ofGroups = steps.flatMap(({ groups, escalation = [] }) =>
      groups.flatMap((group) => {
        if (group.denials === undefined) return [];
        const people = listedBelow(group.denials, [group.name, ...escalation.map((one) => one.group)], members);
        const message = `${group.denials} denials in group ${group.name} to end a request, but only ${people} people may deny there. Lower its denials`;
        return people === undefined || people === 0 ? [] : [tooBig(message, group.name)];
      }),
    );
    const people = denials === undefined ? undefined : listedBelow(denials, groupsIn({ ...NO_FORM, steps }), members);
    const message = `${denials} denials in alternative ${i + 1} to end a request, but only ${people} people may deny there. Lower its denials`;
    return people === undefined || people === 0 ? ofGroups : [...ofGroups, tooBig(message)];
  });
}

const NO_FORM = { groups: undefined, anyOf: undefined, escalation: undefined };

function lintEscalation(id: string, { alternatives, reviewWithinMs = Infinity }: ReviewTerms): Finding[] {
  const late = alternatives.flatMap(({ steps }) =>
    steps.flatMap(({ escalation = [] }) => escalation.filter(({ afterMs }) => afterMs >= reviewWithinMs)),
  );
  return [...new Set(late.map(({ group }) => group))].map((group) =>
    finding(
      'never_escalates',
      { rule: id, group },
      `rule ${id} escalates to group ${group} only after the review deadline. Shorten escalate.after, or lengthen reviewWithin`,
    ),
  );
}

function lintReminders(id: string, { remindEveryMs = 0, reviewWithinMs = Infinity }: ReviewTerms): Finding[] {
  if (remindEveryMs < reviewWithinMs) return [];
  const message = `rule ${id} reminds its reviewers only after the review deadline. Shorten remindEvery, or lengthen reviewWithin`;
  return [finding('never_reminds', { rule: id }, message)];
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
      const reviewing = review === undefined ? [] : groupsIn(formOf(review.alternatives));
      use(rule, [...ofSelectors(rule.subjects), ...ofSelectors(rule.requesters), ...reviewing]);
    }
  }
  for (const rule of breakGlass) use(rule, [...ofSelectors(rule.subjects), ...ofSelectors(rule.requesters), ...rule.reviewers]);
  return used;
}
