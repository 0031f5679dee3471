import type { JSX } from 'preact';
import { useConsole } from '../frame/console.js';
import { addMessages, t } from '../frame/messages.js';
import type { ViewProps } from '../frame/types.js';
import { useRead } from '../frame/use-read.js';
import { Empty } from '../parts/empty.js';
import { List, NewLine, useStill } from '../parts/list.js';
import { Page } from '../parts/page.js';
import { Problem } from '../parts/problem.js';
import { breakGlass } from './break-glass.messages.js';
import { BreakGlassRow } from './break-glass/row.js';
import './inbox.css';
import { Unsent } from './inbox/unsent.js';
import { inbox } from './inbox.messages.js';

addMessages(breakGlass);
addMessages(inbox);

/** A person takes break-glass once and waits for its review, so there are few. */
const MOST = 1_000;

export function View(_props: ViewProps): JSX.Element {
  const { client, permits } = useConsole();
  const seesAll = permits('breakGlassReviews');
  const { value, error, again } = useRead(
    async (signal) => {
      const options = { signal, people: true };
      const own = await client.listBreakGlassReviews({ limit: MOST }, options);
      const mine = new Set(own.items.map(({ request }) => request.id));
      const all = seesAll ? await client.listBreakGlassReviews({ limit: MOST, all: true }, options) : own;
      return { ...all, items: all.items.map((item) => ({ ...item, isMine: mine.has(item.request.id) })) };
    },
    [seesAll],
    ({ type }) => type.startsWith('request.') || type.startsWith('breakGlass.'),
  );
  const { rows, news, show } = useStill(value?.items, ({ request }) => request.id);
  const shown = new Set(rows.map(({ key }) => key));
  return (
    <Page title={t('break-glass.title')} lead={t('break-glass.lead')}>
      <Unsent shown={shown} of={['justified', 'unjustified']} />
      {error !== undefined && <Problem error={error} again={again} />}
      <NewLine count={news} onShow={show} />
      {rows.length > 0 && (
        <List label={t('break-glass.list')}>
          {rows.map(({ key, item, isGone }) => (
            <BreakGlassRow key={key} {...{ item, isGone }} />
          ))}
        </List>
      )}
      {value !== undefined && rows.length === 0 && <Empty text={t('break-glass.empty')} />}
    </Page>
  );
}
