import type { JSX } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import type { Anchor } from '../../../index.js';
import { useConsole } from '../frame/console.js';
import { addMessages, t } from '../frame/messages.js';
import type { ViewProps } from '../frame/types.js';
import { useRead } from '../frame/use-read.js';
import { Button } from '../parts/button.js';
import { Empty } from '../parts/empty.js';
import { FilterBar, type Filter } from '../parts/filter-bar.js';
import { More } from '../parts/list.js';
import { Page, Section } from '../parts/page.js';
import { Name } from '../parts/person.js';
import { Problem } from '../parts/problem.js';
import { journal } from './journal.messages.js';
import { Entry } from './journal/entry.js';
import { filtersIn, folded, isFiltered, peopleOf, TYPES, type Filters, type GroupName, type TypeName } from './journal/filters.js';
import { Head } from './journal/head.js';
import { useJournal, type JournalRead } from './journal/use-journal.js';
import { Verified } from './journal/verified.js';
import './journal.css';
import { request } from './request.messages.js';

addMessages(journal);
addMessages(request);

/** For a caller who may read the head, and not the entries. */
function HeadOnly(): JSX.Element {
  const { client, permits } = useConsole();
  const { value, error, again } = useRead<Anchor | undefined>((signal) =>
    permits('journalHead') ? client.journalHead({ signal }) : Promise.resolve(undefined),
  );
  return (
    <>
      {error !== undefined && <Problem error={error} again={again} />}
      <div class="panels">
        {value && <Head head={value} />}
        {permits('verifyJournal') && <Verified head={value} />}
      </div>
    </>
  );
}

/** The filters by person, type and day. */
const filterBar = (ids: readonly string[], maySearch: boolean): readonly Filter[] => [
  { name: 'person', label: t('journal.person'), person: { maySearch, ids } },
  {
    name: 'type',
    label: t('journal.type'),
    choices: [['', t('journal.type.all')]],
    groups: (Object.keys(TYPES) as GroupName[]).map((group) => [
      t(`journal.group.${group}`),
      (Object.keys(TYPES[group]) as TypeName[]).map((type) => [type, t(`journal.type.${type}`)] as const),
    ]),
  },
  { name: 'day', label: t('journal.day'), isDay: true },
];

function Entries({ filters }: { readonly filters: Filters }): JSX.Element {
  const { permits } = useConsole();
  const read = useJournal(filters);
  const { entries, head, news, isReading, error, again } = read;
  const rows = useMemo(() => folded(entries), [entries]);
  const ids = useMemo(() => entries.flatMap((entry) => peopleOf(entry).people).filter((id) => !id.startsWith('system:')), [entries]);
  const isSome = isFiltered(filters);
  return (
    <>
      <div class="panels">
        {head && <Head head={head} />}
        {permits('verifyJournal') && <Verified head={head} />}
      </div>
      <Section title={t('journal.entries')}>
        <FilterBar filters={filterBar(ids, permits('readJournal'))} />
        {isSome && <Selected filters={filters} />}
        {error !== undefined && <Problem error={error} again={again} />}
        {news > 0 && !(isReading && entries.length === 0) && (
          <p class="new-line">
            <Button small onPress={again}>
              {t(isSome ? 'journal.newer.some' : 'journal.newer', { count: news })}
            </Button>
          </p>
        )}
        {rows.length > 0 && (
          <ol class="rows entries">
            {rows.map((row) => (
              <Entry key={row.entry.seq} {...row} />
            ))}
          </ol>
        )}
        <End {...{ read, isSome }} />
      </Section>
    </>
  );
}

/** On paper only: what is selected. */
function Selected({ filters: { person, type, day } }: { readonly filters: Filters }): JSX.Element {
  return (
    <p class="print-only">
      {person !== undefined && <Name id={person} />} {type !== undefined && t(`journal.type.${type}`)} {day?.text}
    </p>
  );
}

/** How far the journal was read, and the way on. After a Stop the focus is here. */
function End({ read, isSome }: { readonly read: JournalRead; readonly isSome: boolean }): JSX.Element {
  const { entries, head, isReading, isWhole, error, older, stop } = read;
  const end = useRef<HTMLDivElement>(null);
  const hasEnded = !isReading && error === undefined && head !== undefined;
  const isEmpty = hasEnded && isWhole && entries.length === 0;
  const key = isReading ? 'journal.reading' : isWhole ? 'journal.all' : 'journal.some';
  return (
    <div class="journal-end" tabIndex={-1} ref={end}>
      {isReading && !isSome && entries.length === 0 && <p class="quiet loading">{t('frame.starting')}</p>}
      {isSome && (isReading || (hasEnded && !isEmpty)) && (
        <p role="status" class={isReading ? 'quiet loading' : 'quiet'}>
          {t(key, { count: read.read })}
        </p>
      )}
      {isReading && isSome && (
        <Button
          small
          onPress={() => {
            stop();
            end.current?.focus();
          }}
        >
          {t('journal.stop')}
        </Button>
      )}
      {isEmpty && <Empty text={isSome ? t('journal.noneFits', { seq: head.seq }) : t('journal.none')} />}
      {hasEnded && isWhole && !isSome && !isEmpty && <p class="quiet">{t('journal.begin')}</p>}
      {!isReading && !isWhole && (error === undefined || entries.length > 0) && <More onPress={older} />}
    </div>
  );
}

/** The journal: its head, its verification, and its entries, the newest first. */
export function View({ route: { query } }: ViewProps): JSX.Element {
  const { permits } = useConsole();
  const mayRead = permits('readJournal') || !(permits('journalHead') || permits('verifyJournal'));
  return (
    <Page title={t('journal.title')} lead={t('journal.lead')}>
      {mayRead ? <Entries filters={filtersIn(query)} /> : <HeadOnly />}
    </Page>
  );
}
