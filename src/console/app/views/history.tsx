import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { GrantWithStatus } from '../../../index.js';
import { after } from '../frame/clock.js';
import { useConsole } from '../frame/console.js';
import { addMessages, t } from '../frame/messages.js';
import { fullTime } from '../frame/time.js';
import type { ViewProps } from '../frame/types.js';
import { useRetry } from '../frame/use-retry.js';
import { Empty } from '../parts/empty.js';
import { More } from '../parts/list.js';
import { Page } from '../parts/page.js';
import { Name } from '../parts/person.js';
import { Text } from '../parts/text.js';
import { history } from './history.messages.js';
import { Finder } from './history/finder.js';
import { GrantList } from './history/grant-list.js';
import { HoldersSentence } from './history/instant.js';
import { QuestionProblem } from './history/pattern-problem.js';
import { Picture } from './history/picture.js';
import { PrintFoot } from './history/print-foot.js';
import {
  addressOf,
  isOfScope,
  questionIn,
  questionText,
  readHeld,
  readHolders,
  topicText,
  widestTopic,
  type Question,
  type ScopeTopic,
  type Topic,
} from './history/question.js';
import { Snapshot } from './history/snapshot.js';
import { toAddress } from './history/span.js';
import { SpanBar } from './history/span-bar.js';
import { CopyButton } from './history/copy-button.js';
import { CsvButton } from './history/csv-button.js';
import { useOpened, useWhileEmpty } from './history/use-opened.js';
import { MOST_LISTED, useHolders, type Holders, type HoldersRead } from './history/use-holders.js';
import { usePages, type PagesRead } from './history/use-pages.js';
import './history.css';

addMessages(history);

/** A span that ends within this time before it was read reaches to the present. Milliseconds. */
const NOW_MS = 5_000;

function Heading({ topic }: { readonly topic: Exclude<Topic, ScopeTopic> }): JSX.Element {
  if ('all' in topic) return <h2>{t('history.ofAll')}</h2>;
  return (
    <h2>
      <Text k="history.ofPerson" with={{ person: <Name id={topic.person} /> }} />
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

/** An instant as a part of the name of a file. */
const inName = (at: number): string => toAddress(at).slice(0, 19).replaceAll(':', '-');

interface HeadProps {
  readonly question: Question;
  /** The address of the answer. */
  readonly path: string;
  readonly held: HoldersRead;
}

/** The answer in a sentence, and what can be taken away of it. */
function AnswerHead({ question, path, held }: HeadProps): JSX.Element {
  const { client } = useConsole();
  const { topic, span, at } = question;
  return (
    <header class="section-head">
      {isOfScope(topic) ? <HoldersSentence {...held} topic={topic} /> : <Heading topic={topic} />}
      <span class="actions">
        <CopyButton path={path} />
        {isOfScope(topic) && (
          <CsvButton
            key={`at ${at}`}
            label={t('history.csvInstant')}
            name={`access-at-${inName(at)}.csv`}
            question={questionText(question, true)}
            read={(place, signal) => readHolders(client, topic, at, place, signal)}
          />
        )}
        <CsvButton
          label={t('history.csvSpan')}
          name={`access-${new Date(span.from).toISOString().slice(0, 10)}.csv`}
          question={questionText(question, false)}
          read={(place, signal) => readHeld(client, question, place, signal, 1_000)}
        />
      </span>
    </header>
  );
}

/** The grants of an instant. */
function AtInstant({ topic, holders }: { readonly topic: ScopeTopic; readonly holders: Holders }): JSX.Element | null {
  if (holders.grants === 0) return null;
  return (
    <section class="section">
      <header class="section-head">
        <h3>{t('history.atInstant', { time: fullTime(holders.at) })}</h3>
      </header>
      <GrantList label={t('history.ofScope', { scope: topicText(topic) })} blocks={holders.blocks} />
      {holders.grants > MOST_LISTED && <p class="quiet">{t('history.listed', { count: MOST_LISTED })}</p>}
    </section>
  );
}

/** The grants of the span. */
function OfSpan({ pages, count }: { readonly pages: PagesRead<GrantWithStatus>; readonly count: number }): JSX.Element | null {
  if (count === 0) return null;
  return (
    <section class="section">
      <header class="section-head">
        <h2>
          {t('history.grants')} {!pages.hasMore && <span class="count">{count}</span>}
        </h2>
      </header>
      <GrantList label={t('history.grants')} blocks={pages.blocks} />
      {pages.hasMore && <More onPress={pages.more} />}
    </section>
  );
}

/** Whether the grants are known, and there are none. An empty list stays while it is read again. */
function useEmpty({ isLoading, error, blocks }: PagesRead<unknown>, moveOn: () => void) {
  const isRead = useRef(false);
  if (!isLoading) isRead.current = error === undefined;
  const isEmpty = isRead.current && blocks.length === 0;
  useWhileEmpty(isEmpty, moveOn);
  return { isRead: isRead.current, isEmpty };
}

interface AnswerProps {
  readonly question: Question;
  readonly moveOn: () => void;
  /** Takes the grants that are shown. */
  readonly onGrants: (grants: readonly GrantWithStatus[]) => void;
}

/** The answer: who could use a scope at an instant, bars over the span, and the list of all grants. */
function Answer({ question, moveOn, onGrants }: AnswerProps): JSX.Element {
  const { client } = useConsole();
  const { topic, span } = question;
  const pages = usePages((place, signal) => readHeld(client, question, place, signal), span.to);
  const { at, setAt, path } = useInstant(question);
  const ofScope = isOfScope(topic) ? topic : undefined;
  const held = useHolders(ofScope, at);
  const { holders } = held;
  const grants = pages.blocks.flatMap(({ items }) => items);
  useEffect(() => {
    onGrants(grants);
  }, [pages.blocks]);
  const { isRead, isEmpty } = useEmpty(pages, moveOn);
  const error = pages.error ?? holders.error;
  const retry = () => {
    if (pages.error !== undefined) pages.more();
    if (holders.error !== undefined) held.more();
  };
  useRetry(error, retry);
  const readAt = Math.min(pages.readAt ?? Infinity, (ofScope && holders.readAt) ?? Infinity);
  // The second of the change has passed by then: the last instant of the answer is after it.
  const again = () =>
    new Promise<void>((done) => {
      after(1_000, () => {
        moveOn();
        pages.again();
        held.again();
        done();
      });
    });
  return (
    <section class={'person' in topic ? 'answer of-person' : 'answer'}>
      <AnswerHead question={{ topic, span, at }} path={path} held={held} />
      {readAt < Infinity && (
        <Snapshot
          topic={topic}
          readAt={readAt}
          includesNow={span.to > readAt - NOW_MS}
          changesAt={pages.changesAt}
          shows={(id) => [...pages.blocks, ...holders.blocks].some(({ items }) => items.some((grant) => grant.id === id))}
          again={again}
        />
      )}
      {error !== undefined && <QuestionProblem error={error} question={question} again={retry} />}
      <SpanBar view="history" query={'all' in topic ? { all: 'true' } : topic} span={span} />
      {pages.isLoading && !isRead && <p class="quiet loading">{t('frame.starting')}</p>}
      {isEmpty && (
        <Empty
          text={'person' in topic ? <Text k="history.noneOfId" with={{ id: <code dir="auto">{topic.person}</code> }} /> : t('history.none')}
        />
      )}
      {(grants.length > 0 || (ofScope !== undefined && pages.error === undefined)) && (
        <Picture question={{ topic, span, at }} grants={grants} isPartial={pages.hasMore} onAt={setAt} />
      )}
      {ofScope !== undefined && <AtInstant topic={ofScope} holders={holders} />}
      <OfSpan pages={pages} count={grants.length} />
    </section>
  );
}

/** Who had access, to what, and when. */
export function View({ route: { query } }: ViewProps): JSX.Element {
  const widest = widestTopic(useConsole());
  const { opened, moveOn } = useOpened();
  const [grants, setGrants] = useState<readonly GrantWithStatus[]>([]);
  const question = questionIn(query, widest, opened);
  const key = JSON.stringify([question.topic, query.get('from'), query.get('to')]);
  return (
    <Page title={t('history.title')} lead={t('history.lead')}>
      <Finder key={`finder ${key}`} question={question} grants={grants} />
      <Answer key={key} {...{ question, moveOn }} onGrants={setGrants} />
      <PrintFoot />
    </Page>
  );
}
