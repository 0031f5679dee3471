import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { CommentField } from '../../parts/comment-field.js';
import { EmergencyInstead } from '../emergency/offer.js';
import { DIALOGS } from './later-dialogs.js';
import type { RequestRead } from './read.js';
import { deedsOf } from './timeline.js';

interface ActionsProps {
  readonly read: RequestRead;
  readonly again: () => void;
}

const DEEDS = { change: 'Change', cancel: 'Cancel', extend: 'Extend', release: 'Release', revoke: 'Revoke' } as const;
type Opened = keyof typeof DEEDS;

/** What this viewer may do with the request. */
export function Actions({ read, again }: ActionsProps): JSX.Element | null {
  const { caller, href, permits, readOnly } = useConsole();
  const [opened, setOpened] = useState<Opened>();
  const { found, reviewers } = read;
  const isReviewer = read.item !== undefined || reviewers?.reviewers?.includes(caller) === true || isPast(read, caller);
  const deeds = deedsOf(found, caller, { isReviewer, mayRevoke: permits('listGrants') });
  if (readOnly) return null;
  const buttons = (Object.keys(DEEDS) as Opened[]).filter((name) => deeds[name]);
  const { request, outcome } = found;
  const canAskAgain =
    request.subject === caller &&
    request.scopes.length === 1 &&
    request.replacedBy === undefined &&
    outcome !== 'pending' &&
    outcome !== 'granted';
  const Open = opened && DIALOGS[DEEDS[opened]];
  return (
    <>
      {outcome === 'pending' && request.subject === caller && permits('breakGlass') && (
        <p>
          <EmergencyInstead request={request} />
        </p>
      )}
      {canAskAgain && (
        <p>
          <a class="button" href={href('ask', undefined, { scope: request.scopes[0] })}>
            {t('request.again')}
          </a>
        </p>
      )}
      {buttons.length > 0 && (
        <section class="request-actions">
          <h2>{t('request.do')}</h2>
          <p class="actions">
            {buttons.map((name) => (
              <Button key={name} kind={name === 'revoke' || name === 'cancel' ? 'no' : undefined} onPress={() => setOpened(name)}>
                {t(`request.${name}`)}
              </Button>
            ))}
          </p>
        </section>
      )}
      {Open && <Open found={found} onDone={again} onClose={() => setOpened(undefined)} />}
      {deeds.comment && (
        <section class="request-comment">
          <CommentField requestId={found.request.id} onDone={again} />
        </section>
      )}
    </>
  );
}

/** Whether the viewer has reviewed it. */
const isPast = ({ found }: RequestRead, caller: string): boolean => found.request.reviews.some(({ reviewer }) => reviewer === caller);
