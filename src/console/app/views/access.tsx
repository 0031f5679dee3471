import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole } from '../frame/console.js';
import { t } from '../frame/messages.js';
import type { ViewProps } from '../frame/types.js';
import { Empty } from '../parts/empty.js';
import { Page } from '../parts/page.js';
import { Problem } from '../parts/problem.js';
import { Badge } from './access/badge.js';
import { RequestDialog, type Open } from './access/dialog.js';
import { Ended } from './access/ended.js';
import { Held } from './access/held.js';
import { Pending } from './access/pending.js';
import { useMine } from './access/read.js';
import './access/access.css';

/** What the viewer holds, asks for, and held this week. */
export function View(_props: ViewProps): JSX.Element {
  const { href, readOnly } = useConsole();
  const { value, error, again } = useMine();
  // Kept here, not in a row: a row may disappear while its dialog is open.
  const [open, setOpen] = useState<Open>();
  const ask = !readOnly && (
    <a class="button yes" href={href('ask')}>
      {t('access.ask')}
    </a>
  );
  const isEmpty = value && value.status.held.length + value.status.scheduled.length + value.pending.length === 0;
  return (
    <Page title={t('access.title')} aside={ask}>
      {error !== undefined && <Problem error={error} again={again} />}
      {value === undefined && error === undefined && (
        <p class="quiet loading" role="status">
          {t('frame.starting')}
        </p>
      )}
      {value && (
        <>
          <Badge status={value.status} />
          {isEmpty && value.status.locks.length === 0 && <Empty text={t('access.empty')} />}
          <Held title={t('access.now')} grants={value.status.held} requests={value.requests} onOpen={setOpen} />
          <Held title={t('access.later')} grants={value.status.scheduled} requests={value.requests} onOpen={setOpen} />
          <Pending mine={value} onOpen={setOpen} />
          <Ended mine={value} />
        </>
      )}
      {open && <RequestDialog {...open} onClose={() => setOpen(undefined)} onDone={again} />}
    </Page>
  );
}
