import type { ComponentChildren, JSX } from 'preact';
import { Fragment } from 'preact';
import type { AuditEntry } from '../../../../index.js';
import { useConsole } from '../../frame/console.js';
import { partsOf, t } from '../../frame/messages.js';
import { Name } from '../../parts/person.js';
import { Scopes } from '../../parts/scope.js';
import { Time } from '../../parts/time.js';
import { saidBy, textFor, type Said } from './says.js';

/** The text of an entry, with people, scopes and times in their places. What is missing in the entry is shown as a dash. */
function Words({ said, type }: { readonly said: Said; readonly type: string }): JSX.Element {
  const found = textFor(said);
  if (found === undefined) return <code>{type}</code>;
  const scopes = said.scopes.length === 0 ? '–' : <Scopes scopes={said.scopes} />;
  const values: Readonly<Record<string, ComponentChildren>> = {
    actor: <Name id={said.actor} />,
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

const hueOf = (hash: string): number => Number.parseInt(hash.slice(0, 4), 16) % 360;

/** The first digits of a hash. Equal hashes have equal colours, so that the eye follows the chain. */
export function Hash({ hash }: { readonly hash: string }): JSX.Element {
  return (
    <code class="hash" title={hash} style={{ '--hue': String(hueOf(hash)) }}>
      {hash.slice(0, 6)}
    </code>
  );
}

/** One entry: its number, what it says, when, and its place in the chain. All of it is below, as it is recorded. */
export function Entry({ entry }: { readonly entry: AuditEntry }): JSX.Element {
  const { href } = useConsole();
  const said = saidBy(entry);
  return (
    <li class="entry">
      <span class="seq">{entry.seq}</span>
      <div class="entry-what">
        <p>
          <Words said={said} type={entry.type} />
        </p>
        {said.words !== undefined && (
          <p class="entry-words" dir="auto">
            {said.words}
          </p>
        )}
        <div class="entry-more">
          <p class="entry-facts quiet">
            <Time at={entry.at} />
            {' · '}
            <code>{entry.type}</code>
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
      </div>
      <span class="chain">
        <Hash hash={entry.prevHash} />
        <span aria-hidden="true">→</span>
        <Hash hash={entry.hash} />
      </span>
    </li>
  );
}
