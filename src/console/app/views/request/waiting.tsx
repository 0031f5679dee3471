import type { JSX } from 'preact';
import { t } from '../../frame/messages.js';
import { approvalsText } from '../../parts/approvals.js';
import { Excluded } from '../../parts/excluded.js';
import { Reviewers } from '../ask/outcome.js';
import { Facts, Warnings } from '../inbox/facts.js';
import type { RequestRead } from './read.js';

/** What a pending request waits for: what is missing, who can act, and for reviewers what they weigh and who does not count. */
export function Waiting({ read: { found, reviewers, item, held } }: { readonly read: RequestRead }): JSX.Element | null {
  if (found.outcome !== 'pending' || reviewers?.missingInWords === undefined) return null;
  const { missing, groups, reviewers: people, excluded = [] } = reviewers;
  return (
    <section class="panel wait">
      <h2>{t(item === undefined ? 'request.waits' : 'request.weigh')}</h2>
      {item === undefined ? (
        <p class="request-missing">{missing.length === 0 ? t('inbox.missing.none') : approvalsText(missing, 'part.approvals.more')}</p>
      ) : (
        <>
          <Warnings item={item} />
          <Facts item={item} held={held} />
        </>
      )}
      <h3>{t('request.may')}</h3>
      {groups.length > 0 && <p class="quiet">{t('request.groups', { groups: groups.join(', ') })}</p>}
      <Reviewers ids={people} />
      {excluded.length > 0 && (
        <details>
          <summary>{t('request.excluded', { count: excluded.length })}</summary>
          <Excluded of={excluded} />
        </details>
      )}
    </section>
  );
}
