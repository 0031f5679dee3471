import type { JSX } from 'preact';
import { now } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Excluded } from '../../parts/excluded.js';
import { Text } from '../../parts/text.js';
import { Countdown, Time } from '../../parts/time.js';
import { Reviewers } from '../ask/outcome.js';
import type { RequestRead } from './read.js';

/** What the request waits for: what is missing, who can act, until when; for reviewers also who does not count, and why. */
export function Waiting({ read: { found, reviewers } }: { readonly read: RequestRead }): JSX.Element | null {
  const { caller, href } = useConsole();
  const { request, outcome } = found;
  const { afterReview } = request;
  if (afterReview !== undefined && afterReview.breakGlassReview === undefined) {
    const isLate = afterReview.reviewBy <= now();
    return (
      <section class="panel wait">
        <h2>{t('request.review')}</h2>
        <p>
          <Text k={isLate ? 'request.review.overdue' : 'request.review.pending'} with={{ time: <Time at={afterReview.reviewBy} /> }} />
        </p>
        {afterReview.reviewers.length > 0 && <p class="quiet">{t('request.groups', { groups: afterReview.reviewers.join(', ') })}</p>}
        {request.subject !== caller && (
          <p>
            <a href={href('break-glass')}>{t('request.review.open')}</a>
          </p>
        )}
      </section>
    );
  }
  if (outcome !== 'pending' || reviewers === undefined) return null;
  const { missingInWords, groups, reviewers: people, excluded = [] } = reviewers;
  return (
    <section class="panel wait">
      <h2>{t('request.waits')}</h2>
      <p class="request-missing">{missingInWords ?? t('request.waits.approver')}</p>
      <p class="quiet">
        <Text k="request.waits.due" with={{ time: <Time at={request.reviewBy} />, left: <Countdown until={request.reviewBy} /> }} />
      </p>
      {missingInWords !== undefined && (
        <>
          <h3>{t('request.may')}</h3>
          {groups.length > 0 && <p class="quiet">{t('request.groups', { groups: groups.join(', ') })}</p>}
          <Reviewers ids={people} />
        </>
      )}
      {excluded.length > 0 && (
        <details>
          <summary>{t('request.excluded', { count: excluded.length })}</summary>
          <Excluded of={excluded} />
        </details>
      )}
    </section>
  );
}
