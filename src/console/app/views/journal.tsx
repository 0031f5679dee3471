import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Anchor } from '../../../index.js';
import { now } from '../frame/clock.js';
import { useConsole } from '../frame/console.js';
import { addMessages, t } from '../frame/messages.js';
import type { ViewProps } from '../frame/types.js';
import { useRead } from '../frame/use-read.js';
import { Button } from '../parts/button.js';
import { Empty } from '../parts/empty.js';
import { More } from '../parts/list.js';
import { Page, Section } from '../parts/page.js';
import { Problem } from '../parts/problem.js';
import { Text } from '../parts/text.js';
import { Time } from '../parts/time.js';
import { journal } from './journal.messages.js';
import { Entry, Hash } from './journal/entry.js';
import { useJournal } from './journal/use-journal.js';
import { lastVerification, verifyAll } from './journal/verification.js';
import './journal.css';
import { request } from './request.messages.js';

addMessages(journal);
addMessages(request);

/** The head, as text that a person keeps elsewhere. */
function Head({ head }: { readonly head: Anchor }): JSX.Element {
  const [said, setSaid] = useState('');
  const place = `${head.seq}.${head.hash}`;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(place);
      setSaid(t('journal.copied'));
    } catch {
      setSaid('');
    }
  };
  return (
    <section class="panel head-panel">
      <h2>{t('journal.head')}</h2>
      <p class="head-seq">
        {t('journal.entry', { seq: head.seq })} <Hash hash={head.hash} />
      </p>
      <code class="head-place">{place}</code>
      <p class="quiet">{t('journal.keep')}</p>
      <p class="actions">
        <Button small onPress={copy}>
          {t('journal.copy')}
        </Button>
        <span role="status" class="quiet">
          {said}
        </span>
      </p>
    </section>
  );
}

/** The last verification of this page, and the button for the next one. */
function Verified({ head }: { readonly head: Anchor | undefined }): JSX.Element {
  const { client, caller, permits, readOnly } = useConsole();
  const [count, setCount] = useState<number>();
  const [error, setError] = useState<unknown>();
  const last = lastVerification.value?.caller === caller ? lastVerification.value.done : undefined;
  const verify = async () => {
    setError(undefined);
    setCount(0);
    try {
      const result = await verifyAll(client, setCount);
      lastVerification.value = { caller, done: { at: now(), result } };
    } catch (failure) {
      setError(failure);
    } finally {
      setCount(undefined);
    }
  };
  const since = last?.result.ok && head !== undefined ? head.seq - last.result.head.seq : 0;
  return (
    <section class="panel">
      <h2>{t('journal.verification')}</h2>
      <div role="status">
        {count !== undefined ? (
          <p>{t('journal.verifying', { count })}</p>
        ) : last === undefined ? (
          <p class="quiet">{t('journal.notVerified')}</p>
        ) : (
          <>
            <p class={last.result.ok ? 'verdict yes' : 'verdict no'}>
              <span aria-hidden="true">{last.result.ok ? '✓ ' : '✗ '}</span>
              {last.result.ok
                ? t('journal.valid', { count: last.result.count, seq: last.result.head.seq })
                : t('journal.invalid', { seq: last.result.seq, problem: last.result.problem })}
            </p>
            <p class="quiet">
              <Text k="journal.verifiedAt" with={{ time: <Time at={last.at} /> }} />
              {since > 0 && ` · ${t('journal.since', { count: since })}`}
            </p>
          </>
        )}
      </div>
      {error !== undefined && <Problem error={error} />}
      {permits('verifyJournal') && !readOnly && (
        <p class="actions">
          <Button kind="yes" onPress={verify}>
            {t('journal.verify')}
          </Button>
        </p>
      )}
    </section>
  );
}

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

function Entries(): JSX.Element {
  const { permits } = useConsole();
  const { entries, head, oldest, news, isLoading, error, older, again } = useJournal();
  const last = entries.at(-1);
  return (
    <>
      <div class="panels">
        {head && <Head head={head} />}
        {permits('verifyJournal') && <Verified head={head} />}
      </div>
      {error !== undefined && <Problem error={error} again={again} />}
      {isLoading && entries.length === 0 && <p class="quiet loading">{t('frame.starting')}</p>}
      {!isLoading && error === undefined && entries.length === 0 && <Empty text={t('journal.none')} />}
      {entries.length > 0 && (
        <Section title={t('journal.entries')}>
          {news > 0 && (
            <p class="new-line">
              <Button small onPress={again}>
                {t('journal.newer', { count: news })}
              </Button>
            </p>
          )}
          <ol class="rows entries">
            {entries.map((entry) => (
              <Entry key={entry.seq} entry={entry} />
            ))}
          </ol>
          {last !== undefined && last.seq > oldest ? <More onPress={older} /> : <p class="quiet">{t('journal.begin')}</p>}
        </Section>
      )}
    </>
  );
}

/** The journal: its head, its verification, and its entries, the newest first. */
export function View(_props: ViewProps): JSX.Element {
  const { permits } = useConsole();
  return (
    <Page title={t('journal.title')} lead={t('journal.lead')}>
      {permits('readJournal') || !(permits('journalHead') || permits('verifyJournal')) ? <Entries /> : <HeadOnly />}
    </Page>
  );
}
