import type { JSX } from 'preact';
import { effectiveEnd, effectiveStart } from '../../../../internal/page.js';
import type { GrantWithStatus } from '../../../../index.js';
import { minute, now } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t, type MessageKey } from '../../frame/messages.js';
import { fullTime, shortTime } from '../../frame/time.js';
import { Name, Person } from '../../parts/person.js';
import { endReason } from '../../parts/problem-text.js';
import { Scope } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { Duration, Time } from '../../parts/time.js';
import type { Blocks } from './blocks.js';
import { Rows } from './rows.js';
import { isPart } from './question.js';
import { spanIn, toAddress } from './span.js';

const BY_TIME = ['time', 'idle', 'used_up'];
const BY_PERSON = ['revoked', 'released', 'locked', 'unjustified'];

/** How a grant ended, in words. */
function Ended({ grant: { end, status, expiresAt } }: { readonly grant: GrantWithStatus }): JSX.Element {
  if (end === undefined)
    return (
      <>
        {t(
          expiresAt <= minute.value
            ? 'history.expired'
            : status === 'active'
              ? 'history.active'
              : status === 'scheduled'
                ? 'history.scheduled'
                : 'history.expired',
        )}
      </>
    );
  const { cause, by } = end;
  if (BY_TIME.includes(cause)) return <>{t(`history.end.${cause}` as MessageKey)}</>;
  const key = `history.end.${BY_PERSON.includes(cause) ? cause : 'other'}` as MessageKey;
  return <Text k={key} with={{ person: <Name id={by} /> }} />;
}

/** The end of a window, as short as its start permits: of the same day, only the time. */
function Until({ from, at }: { readonly from: number; readonly at: number }): JSX.Element {
  return (
    <time dateTime={new Date(at).toISOString()} title={fullTime(at)}>
      <span class="screen-only">{shortTime(at, Number.isFinite(from) ? from : at)}</span>
      <span class="print-only">{fullTime(at)}</span>
    </time>
  );
}

/** The start of a window. Where a scope is asked for, it opens who held it then, unless the span begins later. */
function Start({ at }: { readonly at: number }): JSX.Element {
  const { href, route } = useConsole();
  const query = route.value?.query;
  if (!(query?.has('scope') || query?.has('pattern')) || at < spanIn(query, now()).from) return <Time at={at} />;
  return (
    <a href={href('history', undefined, { ...Object.fromEntries(query), at: toAddress(at) })} title={t('history.by.scope')}>
      <Time at={at} />
    </a>
  );
}

function GrantRow({ item: grant }: { readonly item: GrantWithStatus }): JSX.Element {
  const { href, route } = useConsole();
  const pattern = route.value?.query.get('scope') ? undefined : route.value?.query.get('pattern')?.trim();
  const [from, until] = [effectiveStart(grant), effectiveEnd(grant)];
  return (
    <div role="listitem" class="grant-row">
      <a class="grant-person" href={href('history', undefined, { person: grant.subject })}>
        <Person id={grant.subject} short />
      </a>
      <a class="grant-scope" href={href('request', grant.requestId)}>
        <Scope scope={grant.scope} />
        {pattern && isPart({ pattern }, grant.scope) && <span class="quiet"> {t('history.part')}</span>}
        {grant.breakGlass && <span class="chip no">{t('history.legend.breakGlass')}</span>}
      </a>
      <span class="grant-window">
        {Number.isFinite(from) ? <Start at={from} /> : '–'}{' '}
        <span class="arrow" aria-hidden="true">
          →
        </span>{' '}
        <Until from={from} at={until} />
        {until > from && (
          <span class="quiet">
            <Duration ms={until - from} />
          </span>
        )}
      </span>
      <span class="grant-end quiet">
        <Ended grant={grant} />
        {grant.end?.reason !== undefined && (
          <>
            {': '}
            <bdi>{endReason(grant.end)}</bdi>
          </>
        )}
      </span>
    </div>
  );
}

/** Grants of the past: who, what, from when until when, and how each ended. */
export function GrantList({ label, blocks }: { readonly label: string; readonly blocks: Blocks<GrantWithStatus> }): JSX.Element {
  return <Rows label={label} blocks={blocks} row={GrantRow} keyOf={({ id }) => id} />;
}
