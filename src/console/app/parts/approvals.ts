import type { MissingApprovals, Quorum } from '../../../index.js';
import { alternativesOf } from '../../../internal/page.js';
import { language, t } from '../frame/messages.js';

/* Approvals in the language of the page. The API has them as data, and in English words. */

/**
 * `2 more of dba and 1 more of security, or 1 more of lead, then 1 more of security`.
 *
 * @param key how the page says the number of one group
 */
export function approvalsText(missing: readonly MissingApprovals[], key: 'part.approvals' | 'part.approvals.more'): string {
  const { lang } = language.value;
  const list = (parts: readonly string[], type: 'conjunction' | 'disjunction') => new Intl.ListFormat(lang, { type }).format(parts);
  const alternatives = runsOf(missing, 'alternative').map((ofAlternative) =>
    runsOf(ofAlternative, 'step')
      .map((ofStep) =>
        list(
          ofStep.map(({ approvals, group }) => t(key, { count: approvals, group })),
          'conjunction',
        ),
      )
      .reduce((first, next) => t('part.approvals.then', { first, next })),
  );
  return list(alternatives, 'disjunction');
}

/** What a quorum needs before the first review. */
export function quorumText(quorum: Quorum): string {
  const needed = alternativesOf(quorum).flatMap(({ steps }, alternative) =>
    steps.flatMap(({ groups }, step) => groups.map(({ name, approvals }) => ({ group: name, approvals, alternative, step }))),
  );
  const text = approvalsText(needed, 'part.approvals');
  return quorum.assurance === undefined ? text : t('part.approvals.signedIn', { approvals: text });
}

/** Splits a list into its runs of one position. */
function runsOf(missing: readonly MissingApprovals[], by: 'alternative' | 'step'): readonly (readonly MissingApprovals[])[] {
  return [...new Set(missing.map((one) => one[by]))].map((position) => missing.filter((one) => one[by] === position));
}
