import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole } from '../frame/console.js';
import { t } from '../frame/messages.js';
import type { ViewProps } from '../frame/types.js';
import { useNow } from '../frame/use-now.js';
import { useQuery } from '../frame/use-query.js';
import { Page } from '../parts/page.js';
import { Problem } from '../parts/problem.js';
import { Badge } from './access/badge.js';
import { RequestDialog, type Open } from './access/dialog.js';
import { Ended } from './access/ended.js';
import { Held } from './access/held.js';
import { Nothing } from './access/nothing.js';
import { Pending } from './access/pending.js';
import { instantsOf, mineAt, mineQuery } from './access/read.js';
import './access/access.css';

/** What the viewer holds, asks for, and held this week. */
export function View(_props: ViewProps): JSX.Element {
  const { href, readOnly } = useConsole();
  const { value, error, again } = useQuery(mineQuery);
  const at = useNow(value, () => (value === undefined ? [] : instantsOf(value)));
  const mine = value && mineAt(value, at);
  // Kept here, not in a row: a row may disappear while its dialog is open.
  const [open, setOpen] = useState<Open>();
  const ask = !readOnly && (
    <a class="button yes" href={href('ask')}>
      {t('access.ask')}
    </a>
  );
  const isEmpty = mine && mine.held.length + mine.scheduled.length + mine.pending.length === 0;
  return (
    <Page title={t('access.title')} aside={ask}>
      {error !== undefined && <Problem error={error} again={again} />}
      {value === undefined && error === undefined && (
        <p class="quiet loading" role="status">
          {t('frame.starting')}
        </p>
      )}
      {value && mine && (
        <>
          {isEmpty && value.status.locks.length + value.status.standing.length === 0 ? (
            <Nothing />
          ) : (
            <Badge status={value.status} held={mine.held} />
          )}
          <Held title={t('access.now')} isHeld grants={mine.held} requests={value.requests} onOpen={setOpen} />
          <Held title={t('access.later')} isHeld={false} grants={mine.scheduled} requests={value.requests} onOpen={setOpen} />
          <Pending pending={mine.pending} waiting={value.waiting} onOpen={setOpen} />
          <Ended endedGrants={mine.endedGrants} endedRequests={mine.endedRequests} />
        </>
      )}
      {open && <RequestDialog {...open} onClose={() => setOpen(undefined)} onDone={again} />}
    </Page>
  );
}
