import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { now, second } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { fullTime } from '../../frame/time.js';
import { Button } from '../../parts/button.js';
import { isOfScope, topicText, type Topic } from './question.js';

/** The stream of a page opens after its first read: a `ready` within this time is no gap in what the page heard. Milliseconds. */
const OPENING_MS = 10_000;

interface SnapshotProps {
  readonly topic: Topic;
  /** When it was read, by the clock of the service. */
  readonly readAt: number;
  /** Whether what is shown reaches to the present: any new grant may belong to it. */
  readonly includesNow: boolean;
  /** The next instant at which time changes what is shown. `undefined`: none. */
  readonly changesAt: number | undefined;
  /** Whether a grant is shown: its end may be recorded later. */
  readonly shows: (grantId: string) => boolean;
  readonly again: () => Promise<void>;
}

/** When an answer was read, and what was searched. What may be old says so: an answer about the past never moves by itself. */
export function Snapshot({ topic, readAt, includesNow, changesAt, shows, again }: SnapshotProps): JSX.Element {
  const { onChange } = useConsole();
  const [oldSince, setOld] = useState<number>();
  const latest = useRef({ includesNow, shows });
  latest.current = { includesNow, shows };
  useEffect(
    () =>
      onChange(({ type, grantId }) => {
        const { includesNow: reaches, shows: has } = latest.current;
        const isGap = (type === 'ready' || type === 'reset') && now() - readAt > OPENING_MS;
        const isOfGrant = type.startsWith('grant.') && (reaches || (grantId !== undefined && has(grantId)));
        if ((isGap && reaches) || isOfGrant) setOld(readAt);
      }),
    [readAt],
  );
  const isOld = oldSince === readAt || (includesNow && changesAt !== undefined && changesAt <= second.value);
  return (
    <div class="snapshot">
      <p class="quiet">
        {t('history.asOf', { time: fullTime(readAt) })}{' '}
        {isOfScope(topic) && (
          <>
            <bdi>{t('history.searched', { what: topicText(topic) })}</bdi>{' '}
          </>
        )}
        {t('history.standing')}
      </p>
      <div role="status">
        {isOld && (
          <p class="new-line">
            {t('history.old')}{' '}
            <Button small onPress={again}>
              {t('history.again')}
            </Button>
          </p>
        )}
      </div>
    </div>
  );
}
