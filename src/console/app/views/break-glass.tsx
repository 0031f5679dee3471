import type { JSX } from 'preact';
import { useConsole } from '../frame/console.js';
import { addMessages, t } from '../frame/messages.js';
import type { ViewProps } from '../frame/types.js';
import { useQuery } from '../frame/use-query.js';
import { Empty } from '../parts/empty.js';
import { List, NewLine, useStill } from '../parts/list.js';
import { Page } from '../parts/page.js';
import { Problem } from '../parts/problem.js';
import { breakGlass } from './break-glass.messages.js';
import { reviewsQuery, type Listed } from './break-glass/read.js';
import { BreakGlassRow } from './break-glass/row.js';
import './inbox.css';
import { Unsent } from './inbox/unsent.js';
import { inbox } from './inbox.messages.js';

addMessages(breakGlass);
addMessages(inbox);

const keyOf = ({ request }: Listed): string => request.id;

export function View(_props: ViewProps): JSX.Element {
  const { permits } = useConsole();
  const { value, error, again } = useQuery(reviewsQuery(permits('breakGlassReviews')));
  const { rows, news, show, around } = useStill(value?.items, keyOf);
  const shown = new Set(rows.map(({ key }) => key));
  return (
    <Page title={t('break-glass.title')} lead={t('break-glass.lead')}>
      <Unsent shown={shown} of={['justified', 'unjustified']} />
      {error !== undefined && <Problem error={error} again={again} />}
      <NewLine count={news} onShow={show} />
      <div {...around}>
        {rows.length > 0 && (
          <List label={t('break-glass.list')}>
            {rows.map(({ key, item, isGone }) => (
              <BreakGlassRow key={key} {...{ item, isGone }} />
            ))}
          </List>
        )}
      </div>
      {value !== undefined && rows.length === 0 && <Empty text={t('break-glass.empty')} />}
    </Page>
  );
}
