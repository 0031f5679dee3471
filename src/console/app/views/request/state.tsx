import type { JSX } from 'preact';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { useNow } from '../../frame/use-now.js';
import { Name } from '../../parts/person.js';
import { Text } from '../../parts/text.js';
import { Countdown, Time } from '../../parts/time.js';
import { Actions } from './actions.js';
import { Decide } from './decide.js';
import { gapOf, nowOf } from './now.js';
import type { RequestRead } from './read.js';
import type { Deeds } from './timeline.js';

interface StateProps {
  readonly read: RequestRead;
  readonly deeds: Deeds;
  readonly again: () => void;
}

const TONES = { pending: 'wait', granted: 'yes', denied: 'no', ended: '', cancelled: '', expired: '' } as const;

/** The state of the request in a few words. */
export function Chip({ found: { outcome, request } }: Pick<RequestRead, 'found'>): JSX.Element {
  const isUndecided = outcome === 'pending' && request.quorum === undefined;
  return <span class={`chip ${TONES[outcome]}`}>{t(isUndecided ? 'request.state.undecided' : `request.state.${outcome}`)}</span>;
}

/** What the request is now, and what the viewer can do: before all else. */
export function State({ read, deeds, again }: StateProps): JSX.Element {
  const { caller } = useConsole();
  const { found } = read;
  const { key, time, counts } = nowOf(read, caller);
  const parts = { who: <Name id={found.request.subject} />, time: <Time at={time} />, left: counts && <Countdown until={time} /> };
  return (
    <section class={`panel request-now ${TONES[found.outcome]}`} aria-label={t('request.now')}>
      <p class="request-state">
        <Text k={key} with={parts} />
      </p>
      <Gap found={found} />
      <EmergencyReview found={found} />
      <Decide key={found.request.id} read={read} />
      <Actions {...{ read, deeds, again }} />
    </section>
  );
}

/** For an extension that waits: what happens until its decision. */
function Gap({ found }: Pick<RequestRead, 'found'>): JSX.Element | null {
  const from = found.request.extension?.from;
  const gap = gapOf(
    found,
    useNow(from, () => (from === undefined ? [] : [from])),
  );
  if (gap === undefined) return null;
  return (
    <p>
      <Text k={gap.key} with={{ time: <Time at={gap.time} /> }} />
    </p>
  );
}

/** The review that emergency access still needs. */
function EmergencyReview({ found: { request } }: Pick<RequestRead, 'found'>): JSX.Element | null {
  const { caller, href } = useConsole();
  const { afterReview, subject } = request;
  const reviewBy = afterReview?.breakGlassReview === undefined ? afterReview?.reviewBy : undefined;
  const at = useNow(reviewBy, () => (reviewBy === undefined ? [] : [reviewBy]));
  if (afterReview === undefined || reviewBy === undefined) return null;
  return (
    <>
      <p>
        <Text k={reviewBy <= at ? 'request.review.overdue' : 'request.review.pending'} with={{ time: <Time at={reviewBy} /> }} />
      </p>
      {afterReview.reviewers.length > 0 && <p class="quiet">{t('request.groups', { groups: afterReview.reviewers.join(', ') })}</p>}
      {subject !== caller && (
        <p class="actions">
          <a class="button" href={href('break-glass')}>
            {t('request.review.open')}
          </a>
        </p>
      )}
    </>
  );
}
