import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { InboxItem } from '../../../index.js';
import { useConsole } from '../frame/console.js';
import { later } from '../frame/later.js';
import { addMessages, t } from '../frame/messages.js';
import type { ViewProps } from '../frame/types.js';
import { useQuery } from '../frame/use-query.js';
import { useCounted } from '../frame/waiting.js';
import { Button } from '../parts/button.js';
import { Empty } from '../parts/empty.js';
import { List, More, NewLine, useStill } from '../parts/list.js';
import { Page } from '../parts/page.js';
import { Problem } from '../parts/problem.js';
import './inbox.css';
import { InboxRow, type InboxRowProps } from './inbox/row.js';
import { inboxQuery, type InboxRead } from './inbox/read.js';
import type { Chosen } from './inbox/together.js';
import { ChosenBar, Outcome, useTogether } from './inbox/together-bar.js';
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
  const [chosen, setChosen] = useState<Chosen>(new Map());
  const { value, error, again, rows, news, show, around } = useInbox(limit, chosen.size > 0);
  const together = useTogether(chosen, setChosen, rows, value?.risks);

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
      {together.given && <Outcome given={together.given} onClose={together.forget} />}
      <NewLine count={news} onShow={show} />
      <div {...around}>
        {rows.length > 0 && (
          <List label={t('inbox.list')}>
            {rows.map(({ key, item, isGone }) => (
              <InboxRow
                key={key}
                held={value?.holdings?.find(({ subject }) => subject === item.request.subject)}
                risk={value?.risks?.find(({ requestId }) => requestId === key)?.risk}
                {...{ item, isGone, onKey, together }}
              />
            ))}
          </List>
        )}
      </div>
      <ChosenBar together={together} rows={rows.map(({ item }) => item)} />
      {value !== undefined && rows.length === 0 && <Empty text={t('inbox.empty')} />}
      {value?.next !== undefined && limit < MOST && <More onPress={() => setLimit(limit + STEP)} />}
      {showsKeys && <Keys onClose={() => setShowsKeys(false)} />}
    </Page>
  );
}

/** The first rows of the inbox, held still under their reader. New ones are announced. */
function useInbox(limit: number, isChosen: boolean) {
  const { value: read, error, again } = useQuery(inboxQuery(limit));
  // While more rows are read, those that are shown stay.
  const last = useRef<InboxRead>();
  const value = (last.current = read ?? last.current);
  useCounted({ value, error });
  return { value, error, again, ...useStill(value?.items, keyOf, value?.limit, isChosen) };
}

const keyOf = ({ request }: InboxItem): string => request.id;

function focusBeside(row: HTMLElement, key: 'next' | 'previous'): void {
  const sibling = key === 'next' ? row.nextElementSibling : row.previousElementSibling;
  (sibling as HTMLElement | null)?.focus();
  sibling?.scrollIntoView({ block: 'nearest' });
}
