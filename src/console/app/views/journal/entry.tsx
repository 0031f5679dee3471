import type { ComponentChildren, JSX } from 'preact';
import { Fragment } from 'preact';
import { useConsole } from '../../frame/console.js';
import { partsOf, t } from '../../frame/messages.js';
import { LongText } from '../../parts/long-text.js';
import { Name } from '../../parts/person.js';
import { Scopes } from '../../parts/scope.js';
import { Time } from '../../parts/time.js';
import { APPROVER, type Folded } from './filters.js';
import { saidBy, textFor, type Said } from './says.js';

/** The text of an entry, with people, scopes and times in their places. What is missing in the entry is shown as a dash. */
function Words({ said, type }: { readonly said: Said; readonly type: string }): JSX.Element {
  const found = textFor(said);
  if (found === undefined) return <code>{type}</code>;
  const scopes = said.scopes.length === 0 ? '–' : <Scopes scopes={said.scopes} />;
  const values: Readonly<Record<string, ComponentChildren>> = {
    actor: <Actor id={said.actor} />,
    subject: said.subject === undefined ? '–' : <Name id={said.subject} />,
    scopes,
    target: <bdi>{said.target ?? '–'}</bdi>,
    from: said.from === undefined ? '–' : <Time at={said.from} />,
    until: said.until === undefined ? '–' : <Time at={said.until} />,
    count: said.count,
  };
  return (
    <>
      {partsOf(found).map((part, i) => (
        <Fragment key={i}>{i % 2 === 0 ? part : values[part]}</Fragment>
      ))}
    </>
  );
}

/** A person by name, or the part of the service that acted. */
function Actor({ id }: { readonly id: string }): JSX.Element {
  if (!id.startsWith('system:')) return <Name id={id} />;
  return <>{t(id === APPROVER ? 'journal.approver' : 'request.engine')}</>;
}

/** The first digits of a hash. */
export function Hash({ hash }: { readonly hash: string }): JSX.Element {
  return (
    <code class="hash" title={hash} dir="ltr">
      {hash.slice(0, 6)}
    </code>
  );
}

/** One entry: its number, what it says, when, and its hash. All of it is below, as it is recorded. */
export function Entry({ entry, more }: Folded): JSX.Element {
  const said = saidBy(entry);
  const last = more.at(-1);
  return (
    <li class="entry">
      <span class="seq">{entry.seq}</span>
      <div class="entry-what">
        <p>
          <Words said={said} type={entry.type} />
        </p>
        {said.words !== undefined && <LongText class="entry-words" text={said.words} />}
        <Facts entry={entry} />
        {last !== undefined && (
          <details class="entry-rules">
            <summary>
              {t('journal.rules')} <Words said={saidBy(last)} type={last.type} />
            </summary>
            <ol>
              {more.map((one) => (
                <Entry key={one.seq} entry={one} more={[]} />
              ))}
            </ol>
          </details>
        )}
      </div>
      <Hash hash={entry.hash} />
    </li>
  );
}

function Facts({ entry }: Pick<Folded, 'entry'>): JSX.Element {
  const { href } = useConsole();
  return (
    <div class="entry-more">
      <p class="entry-facts quiet">
        <Time at={entry.at} />
        {entry.requestId !== undefined && (
          <>
            {' · '}
            <a href={href('request', entry.requestId)}>{t('journal.request')}</a>
          </>
        )}
      </p>
      <details>
        <summary>{t('journal.data')}</summary>
        <pre>{JSON.stringify(entry, undefined, 2)}</pre>
      </details>
    </div>
  );
}
