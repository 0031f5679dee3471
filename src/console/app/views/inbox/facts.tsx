import type { ComponentChildren, JSX } from 'preact';
import { type InboxItem, patternScopes } from '../../../../index.js';
import { useConsole } from '../../frame/console.js';
import { addMessages, t } from '../../frame/messages.js';
import { useNow } from '../../frame/use-now.js';
import { Name } from '../../parts/person.js';
import { Scope, Scopes } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { Duration, Time } from '../../parts/time.js';
import { ask } from '../ask.messages.js';
import { Missing } from './missing.js';
import { isHigh, type Holding, type Risk } from './read.js';

// The words for a risk.
addMessages(ask);

/** What speaks against an approval, or must be known before it: earlier denials, locks, and the same ask again. Nothing if there is none. */
export function Warnings({ item: { locked, ownReview, denials, twins } }: { readonly item: InboxItem }): JSX.Element | null {
  const { href } = useConsole();
  const [denial] = denials;
  if (!denial && !locked && !ownReview && twins.length === 0) return null;
  return (
    <ul class="facts">
      {denial && (
        <Fact tone="no">
          <Text k="inbox.denied" with={{ who: <Name id={denial.by} />, time: <Time at={denial.at} /> }} />{' '}
          {denial.reason !== undefined && <q dir="auto">{denial.reason}</q>}{' '}
          {denials.length > 1 && t('inbox.denied.more', { count: denials.length - 1 })}
        </Fact>
      )}
      {locked && <Fact tone="no">{t('inbox.locked')}</Fact>}
      {ownReview && (
        <Fact tone="wait">
          <Text k="inbox.stale" with={{ time: <Time at={ownReview.at} /> }} />
        </Fact>
      )}
      {twins.length > 0 && (
        <Fact tone="wait">
          {t('inbox.twins', { count: twins.length })}
          {twins.map((id, i) => (
            <a key={id} href={href('request', id)}>
              {t('inbox.twin', { count: i + 1 })}
            </a>
          ))}
        </Fact>
      )}
    </ul>
  );
}

interface FactsProps {
  readonly item: InboxItem;
  /** What the subject holds. `undefined`: the viewer may not see it. */
  readonly held: Holding | undefined;
  readonly risk?: Risk | undefined;
  readonly isDecided?: boolean;
}

/** What a reviewer weighs: the risk, what earlier approvals leave, what the subject holds, and what is missing. */
export function Facts({ item, held, risk, isDecided = false }: FactsProps): JSX.Element {
  const { narrowedTo } = item;
  return (
    <ul class="facts">
      {risk && <Fact tone={isHigh(risk) ? 'no' : undefined}>{t(`ask.risk.${risk}`)}</Fact>}
      {narrowedTo && (
        <Fact>
          <Text k="inbox.narrowed" with={{ what: <Scopes scopes={narrowedTo.scopes} />, long: <Duration ms={narrowedTo.ttlMs} /> }} />
        </Fact>
      )}
      <Holdings held={held} scopes={item.request.scopes} />
      {!isDecided && (
        <Fact>
          <Missing item={item} />
        </Fact>
      )}
    </ul>
  );
}

function Fact({ tone, children }: { readonly tone?: 'no' | 'wait' | undefined; readonly children: ComponentChildren }): JSX.Element {
  return <li class={tone}>{children}</li>;
}

/** What the subject holds now, or will, that overlaps the request. */
function Holdings({ held, scopes }: { readonly held: Holding | undefined; readonly scopes: readonly string[] }): JSX.Element | null {
  const at = useNow(held, () => held?.grants.map(({ expiresAt }) => expiresAt) ?? []);
  if (held === undefined) return null;
  const overlapping = held.grants.filter(
    ({ scope, expiresAt }) => expiresAt > at && scopes.some((asked) => patternScopes.overlaps(scope, asked)),
  );
  return (
    <>
      {overlapping.map(({ id, scope, status, startsAt, expiresAt }) => (
        <Fact key={id}>
          {status === 'scheduled' ? (
            <Text k="inbox.holdsLater" with={{ what: <Scope scope={scope} />, time: <Time at={startsAt} /> }} />
          ) : (
            <Text k="inbox.holds" with={{ what: <Scope scope={scope} />, time: <Time at={expiresAt} /> }} />
          )}
        </Fact>
      ))}
      {held.more ? <Fact>{t('inbox.holds.more')}</Fact> : overlapping.length === 0 && <Fact>{t('inbox.holds.none')}</Fact>}
    </>
  );
}
