import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { after } from '../frame/clock.js';
import { useConsole } from '../frame/console.js';
import { addMessages, t } from '../frame/messages.js';
import type { ViewProps } from '../frame/types.js';
import { Empty } from '../parts/empty.js';
import { More } from '../parts/list.js';
import { Page } from '../parts/page.js';
import { Name } from '../parts/person.js';
import { Problem } from '../parts/problem.js';
import { Scope } from '../parts/scope.js';
import { Text } from '../parts/text.js';
import { history } from './history.messages.js';
import { Finder } from './history/finder.js';
import { GrantList } from './history/grant-list.js';
import { HoldersAt } from './history/instant.js';
import { Picture } from './history/picture.js';
import { PrintFoot } from './history/print-foot.js';
import { addressOf, questionIn, readHeld, widestTopic, type Question } from './history/question.js';
import { SpanBar } from './history/span-bar.js';
import { CopyButton } from './history/copy-button.js';
import { CsvButton } from './history/csv-button.js';
import { useOpened, useWhileEmpty } from './history/use-opened.js';
import { usePages } from './history/use-pages.js';
import './history.css';

addMessages(history);

function Heading({ topic }: Pick<Question, 'topic'>): JSX.Element {
  if ('all' in topic) return <h2>{t('history.ofAll')}</h2>;
  return (
    <h2>
      {'scope' in topic ? (
        <Text k="history.ofScope" with={{ scope: <Scope scope={topic.scope} /> }} />
      ) : (
        <Text k="history.ofPerson" with={{ person: <Name id={topic.person} /> }} />
      )}
    </h2>
  );
}

/** The instant of the slider, and the address of the question at that instant. */
function useInstant(question: Question) {
  const { href, navigate } = useConsole();
  const { topic, span } = question;
  const [at, setAt] = useState(question.at);
  useEffect(() => setAt(question.at), [question.at]);
  const path = href('history', undefined, addressOf({ topic, span, at }));
  // The address follows the slider when it has come to rest: a browser limits how often it may change.
  useEffect(() => (at === question.at ? undefined : after(400, () => navigate(path, { replace: true }))), [at]);
  return { at, setAt, path };
}

/** The answer: bars over the span, who had a scope at an instant, and the list of all grants. */
function Answer({ question, moveOn }: { readonly question: Question; readonly moveOn: () => void }): JSX.Element {
  const { client } = useConsole();
  const { topic, span } = question;
  const pages = usePages((place, signal) => readHeld(client, question, place, signal), span.to);
  const { at, setAt, path } = useInstant(question);
  const grants = pages.blocks.flatMap(({ items }) => items);
  // An empty list stays while it is read again.
  const isRead = useRef(false);
  if (!pages.isLoading) isRead.current = pages.error === undefined;
  const isEmpty = isRead.current && grants.length === 0;
  useWhileEmpty(isEmpty, moveOn);
  return (
    <section class={'person' in topic ? 'answer of-person' : 'answer'}>
      <header class="section-head">
        <Heading topic={topic} />
        <span class="actions">
          <CopyButton path={path} />
          <CsvButton
            name={`access-${new Date(span.from).toISOString().slice(0, 10)}.csv`}
            read={(place, signal) => readHeld(client, question, place, signal, 1_000)}
          />
        </span>
      </header>
      <SpanBar view="history" query={'all' in topic ? { all: 'true' } : topic} span={span} />
      {pages.error !== undefined && <Problem error={pages.error} again={pages.more} />}
      {pages.isLoading && !isRead.current && <p class="quiet loading">{t('frame.starting')}</p>}
      {isEmpty && (
        <Empty
          text={'person' in topic ? <Text k="history.noneOfId" with={{ id: <code dir="auto">{topic.person}</code> }} /> : t('history.none')}
        />
      )}
      {(grants.length > 0 || ('scope' in topic && pages.error === undefined)) && (
        <Picture question={{ topic, span, at }} grants={grants} isPartial={pages.hasMore} onAt={setAt} />
      )}
      {'scope' in topic && <HoldersAt scope={topic.scope} at={at} />}
      {grants.length > 0 && (
        <section class="section">
          <header class="section-head">
            <h2>
              {t('history.grants')} {!pages.hasMore && <span class="count">{grants.length}</span>}
            </h2>
          </header>
          <GrantList label={t('history.grants')} blocks={pages.blocks} />
          {pages.hasMore && <More onPress={pages.more} />}
        </section>
      )}
    </section>
  );
}

/** Who had access, to what, and when. */
export function View({ route: { query } }: ViewProps): JSX.Element {
  const widest = widestTopic(useConsole());
  const { opened, moveOn } = useOpened();
  const question = questionIn(query, widest, opened);
  const key = JSON.stringify([question.topic, query.get('from'), query.get('to')]);
  return (
    <Page title={t('history.title')} lead={t('history.lead')}>
      <Finder key={`finder ${key}`} question={question} />
      <Answer key={key} {...{ question, moveOn }} />
      <PrintFoot />
    </Page>
  );
}
