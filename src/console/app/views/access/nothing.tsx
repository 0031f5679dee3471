import type { JSX } from 'preact';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { OLD_BY } from '../../frame/old-by.js';
import { useRead } from '../../frame/use-read.js';
import { Empty } from '../../parts/empty.js';
import { Scope } from '../../parts/scope.js';

/** How many scopes the card names. */
const MOST = 6;

/** What a viewer who holds nothing and asks for nothing may ask for. */
export function Nothing(): JSX.Element {
  const { readOnly } = useConsole();
  return (
    <Empty text={t('access.noneText')}>
      <p>{t('access.empty')}</p>
      {!readOnly && <MayAsk />}
    </Empty>
  );
}

function MayAsk(): JSX.Element {
  const { client, href } = useConsole();
  const { value } = useRead((signal) => client.requestable({ signal }), [], OLD_BY.rules);
  const items = value?.items.filter(({ outcome, locked }) => outcome !== 'break_glass' && !locked) ?? [];
  return (
    <>
      {items.length > 0 && (
        <>
          <p>{t('access.mayAsk')}</p>
          <ul class="actions">
            {items.slice(0, MOST).map(({ scope, title, rule }) => (
              <li key={`${scope} ${rule ?? ''}`}>
                <a class="button small" href={href('ask', undefined, { scope })}>
                  {title === undefined ? <Scope scope={scope} /> : <bdi>{title}</bdi>}
                </a>
              </li>
            ))}
          </ul>
        </>
      )}
      {items.length > MOST && <a href={href('ask')}>{t('access.mayAskAll', { count: items.length })}</a>}
    </>
  );
}
