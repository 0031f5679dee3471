import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { InboxItem } from '../../../index.js';
import { useConsole, type Change } from '../frame/console.js';
import { later } from '../frame/later.js';
import { addMessages, t } from '../frame/messages.js';
import type { ViewProps } from '../frame/types.js';
import { useRead } from '../frame/use-read.js';
import { Button } from '../parts/button.js';
import { Empty } from '../parts/empty.js';
import { List, More, NewLine, useStill } from '../parts/list.js';
import { Page } from '../parts/page.js';
import { Problem } from '../parts/problem.js';
import './inbox.css';
import { InboxRow, type InboxRowProps } from './inbox/row.js';
import { Unsent } from './inbox/unsent.js';
import { inbox } from './inbox.messages.js';

addMessages(inbox);

const Keys = later(() => import('./inbox/keys-dialog.js').then((module) => module.Keys));

/** How many more rows one press shows. A page has at most 1,000. */
const STEP = 50;
const MOST = 1_000;

export function View(_props: ViewProps): JSX.Element {
  const [limit, setLimit] = useState(STEP);
  const { readOnly } = useConsole();
  const [showsKeys, setShowsKeys] = useState(false);
  const { value, error, again, rows, news, show } = useInbox(limit);

  const onKey: InboxRowProps['onKey'] = (key, row) => {
    if (key === 'help') setShowsKeys(!readOnly);
    else focusBeside(row, key);
  };
  const shown = new Set(rows.map(({ key }) => key));

  return (
    <Page
      title={t('inbox.title')}
      lead={t('inbox.lead')}
      aside={
        !readOnly && (
          <Button small kind="quiet" onPress={() => setShowsKeys(true)}>
            {t('inbox.keys')} <kbd>?</kbd>
          </Button>
        )
      }
    >
      <Unsent shown={shown} of={['approve', 'deny']} />
      {error !== undefined && <Problem error={error} again={again} />}
      <NewLine count={news} onShow={show} />
      {rows.length > 0 && (
        <List label={t('inbox.list')}>
          {rows.map(({ key, item, isGone }) => (
            <InboxRow key={key} {...{ item, isGone, onKey }} />
          ))}
        </List>
      )}
      {value !== undefined && rows.length === 0 && <Empty text={t('inbox.empty')} />}
      {value?.next !== undefined && limit < MOST && <More onPress={() => setLimit(limit + STEP)} />}
      {showsKeys && <Keys onClose={() => setShowsKeys(false)} />}
    </Page>
  );
}

/** The first rows of the inbox, held still under their reader. New ones are announced. */
function useInbox(limit: number) {
  const { client } = useConsole();
  const listed = useRef<readonly InboxItem[]>([]);
  const { value, error, again } = useRead(
    async (signal) => {
      const page = await client.inbox({ limit }, { signal, people: true });
      return { ...page, limit };
    },
    [limit],
    (change) => changesInbox(change, listed.current),
  );
  listed.current = value?.items ?? [];
  const { rows, news, show } = useStill(useWhole(value), ({ request }) => request.id);

  // Later rows only follow the shown ones, so a press on "more" shows them without another press.
  const asked = useRef(limit);
  useEffect(() => {
    if (value === undefined || value.limit === asked.current) return;
    asked.current = value.limit;
    show();
  }, [value]);
  return { value, error, again, rows, news, show };
}

/** The events of requests with which one may enter the inbox, or which are a new fact about another one. */
const ENTERS = new Set(['request.created', 'request.assigned', 'request.stepped', 'request.escalated', 'request.denied']);

/** Whether an event concerns the shown requests, or may bring another one. A viewer may see the events of all requests. */
function changesInbox({ type, requestId = '' }: Change, items: readonly InboxItem[]): boolean {
  if (type.startsWith('lock.') || ENTERS.has(type)) return true;
  return type.startsWith('request.') && items.some(({ request, twins }) => request.id === requestId || twins.includes(requestId));
}

function focusBeside(row: HTMLElement, key: 'next' | 'previous'): void {
  const sibling = key === 'next' ? row.nextElementSibling : row.previousElementSibling;
  (sibling as HTMLElement | null)?.focus();
  sibling?.scrollIntoView({ block: 'nearest' });
}

/** The rows of a page, and those that it no longer has room for: new requests with earlier deadlines push them to the next page. */
function useWhole(page: { readonly items: readonly InboxItem[]; readonly next?: string | undefined } | undefined) {
  const before = useRef<readonly InboxItem[]>([]);
  if (page === undefined) return undefined;
  const last = page.items.at(-1)?.request.reviewBy ?? 0;
  const listed = new Set(page.items.map(({ request }) => request.id));
  const pushed = page.next === undefined ? [] : before.current.filter(({ request }) => request.reviewBy >= last && !listed.has(request.id));
  before.current = [...page.items, ...pushed];
  return before.current;
}
