import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { EmergencyInstead } from '../emergency/offer.js';
import { DIALOGS } from './later-dialogs.js';
import type { RequestRead } from './read.js';
import type { Deeds } from './timeline.js';

interface ActionsProps {
  readonly read: RequestRead;
  readonly deeds: Deeds;
  readonly again: () => void;
}

const DEEDS = { change: 'Change', cancel: 'Cancel', extend: 'Extend', release: 'Release', revoke: 'Revoke' } as const;
type Opened = keyof typeof DEEDS;

/** The buttons for what this viewer may do with the request, apart from a decision. */
export function Actions({ read: { found, item }, deeds, again }: ActionsProps): JSX.Element | null {
  const { caller, href, permits, readOnly } = useConsole();
  const [opened, setOpened] = useState<Opened>();
  if (readOnly) return null;
  const buttons = (Object.keys(DEEDS) as Opened[]).filter((name) => deeds[name]);
  const { request, outcome } = found;
  const isOwn = request.subject === caller;
  const canAskAgain =
    isOwn && request.scopes.length === 1 && request.replacedBy === undefined && outcome !== 'pending' && outcome !== 'granted';
  // Another part of the page leads to the review of emergency access.
  const waitsForReview = request.afterReview !== undefined && request.afterReview.breakGlassReview === undefined;
  const Open = opened && DIALOGS[DEEDS[opened]];
  return (
    <>
      {(buttons.length > 0 || canAskAgain) && (
        <p class="actions">
          {canAskAgain && (
            <a class="button" href={href('ask', undefined, { scope: request.scopes[0] })}>
              {t('request.again')}
            </a>
          )}
          {buttons.map((name) => (
            <Button key={name} kind={name === 'revoke' || name === 'cancel' ? 'no' : undefined} onPress={() => setOpened(name)}>
              {t(`request.${name}`)}
            </Button>
          ))}
          {outcome === 'pending' && isOwn && permits('breakGlass') && <EmergencyInstead request={request} />}
        </p>
      )}
      {!waitsForReview && buttons.length === 0 && !canAskAgain && item === undefined && <p class="quiet">{t('request.now.nothing')}</p>}
      {Open && <Open found={found} onDone={again} onClose={() => setOpened(undefined)} />}
    </>
  );
}
