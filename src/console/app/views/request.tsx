import type { JSX } from 'preact';
import { useConsole } from '../frame/console.js';
import { later } from '../frame/later.js';
import { addMessages, t } from '../frame/messages.js';
import type { ViewProps } from '../frame/types.js';
import { useQuery } from '../frame/use-query.js';
import { CommentField } from '../parts/comment-field.js';
import { Empty } from '../parts/empty.js';
import { Page, Section } from '../parts/page.js';
import { Problem, statusOf } from '../parts/problem.js';
import { Scopes } from '../parts/scope.js';
import { Facts } from './request/facts.js';
import { requestQuery, type RequestRead } from './request/read.js';
import { Chip, State } from './request/state.js';
import { deedsOf } from './request/timeline.js';
import { Timeline } from './request/timeline-list.js';
import { Waiting } from './request/waiting.js';
import './request.css';
import { request } from './request.messages.js';
import { ask } from './ask.messages.js';
import { PrintFoot } from './history/print-foot.js';
import { inbox } from './inbox.messages.js';

addMessages(request);
addMessages(ask);
addMessages(inbox);

const Deliveries = later(() => import('./request/deliveries.js').then((module) => module.Deliveries));

/** One request, from the ask to its end, and what this viewer may do with it. */
export function View({ route }: ViewProps): JSX.Element {
  const console = useConsole();
  const id = route.id ?? '';
  const { value, error, again } = useQuery(requestQuery(console, id));

  const status = error === undefined ? undefined : statusOf(error);
  if (status === 404 || status === 410)
    return (
      <Page title={t('request.title')}>
        <Empty text={t('request.gone')} />
      </Page>
    );
  if (value === undefined)
    return (
      <Page title={t('request.title')}>
        {error === undefined ? (
          <p class="quiet loading" role="status">
            {t('request.loading')}
          </p>
        ) : (
          <Problem error={error} again={again} />
        )}
      </Page>
    );
  return <Loaded read={value} again={again} error={error} />;
}

interface LoadedProps {
  readonly read: RequestRead;
  readonly error: unknown;
  readonly again: () => void;
}

function Loaded({ read, error, again }: LoadedProps): JSX.Element {
  const { caller, people, permits, readOnly } = useConsole();
  const { found, events, item, reviewers } = read;
  const { request } = found;
  const name = people.value.get(request.subject)?.name ?? request.subject;
  const isReviewer =
    item !== undefined || reviewers?.reviewers?.includes(caller) === true || request.reviews.some(({ reviewer }) => reviewer === caller);
  const deeds = deedsOf(found, caller, { isReviewer, mayRevoke: permits('listGrants') });
  return (
    <Page title={t('request.title.of', { name })} lead={<Scopes scopes={request.scopes} />} aside={<Chip found={found} />}>
      {error !== undefined && <Problem error={error} again={again} />}
      <State {...{ read, deeds, again }} />
      <div class="request">
        <div class="request-side">
          <Waiting read={read} />
          <Facts found={found} />
        </div>
        <Section title={t('request.timeline')}>
          <Timeline found={found} events={events} />
          {deeds.comment && !readOnly && (
            <div class="request-comment">
              <CommentField requestId={request.id} onDone={again} />
            </div>
          )}
          {permits('readJournal') && <Deliveries found={found} />}
        </Section>
      </div>
      <PrintFoot />
    </Page>
  );
}
