import type { ComponentChildren, JSX } from 'preact';
import type { RequestFound } from '../../../../index.js';
import { effectiveEnd } from '../../../../internal/page.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { LongText } from '../../parts/long-text.js';
import { Person } from '../../parts/person.js';
import { Scope } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { Ticket } from '../../parts/ticket.js';
import { Countdown, Duration, Time } from '../../parts/time.js';
import { WindowBar } from '../../parts/window-bar.js';
import { Ids } from './ids.js';
import { relatedOf } from './timeline.js';

type Props = { readonly found: RequestFound };

/** Who, what, how long, why: the request as it was asked, and the access that it gave. */
export function Facts({ found }: Props): JSX.Element {
  const { href } = useConsole();
  const { request, grants } = found;
  const { subject, requestedBy, justification, ticket, metadata, rule } = request;
  return (
    <section class="panel request-facts">
      <dl>
        <Fact name={t('request.subject')}>
          <Person id={subject} />
        </Fact>
        {requestedBy !== subject && (
          <Fact name={t('request.requester')}>
            <Person id={requestedBy} />
          </Fact>
        )}
        <LengthFact found={found} />
        {justification !== undefined && (
          <Fact name={t('request.why')}>
            <LongText class="request-said" text={justification} />
          </Fact>
        )}
        {ticket !== undefined && (
          <Fact name={t('request.ticket')}>
            <Ticket ticket={ticket} />
          </Fact>
        )}
        {Object.entries(metadata ?? {}).map(([name, value]) => (
          <Fact key={name} name={name}>
            <bdi>{typeof value === 'object' ? JSON.stringify(value) : String(value)}</bdi>
          </Fact>
        ))}
        {rule !== undefined && (
          <Fact name={t('request.rule')}>
            <bdi>{rule}</bdi>
          </Fact>
        )}
        {relatedOf(found).map(({ key, requestId }) => (
          <Fact key={key + requestId} name={t(`request.related.${key}`)}>
            <a href={href('request', requestId)}>{t('request.open')}</a>
          </Fact>
        ))}
      </dl>
      {grants.length > 0 && <Grants grants={grants} />}
      <Ids found={found} />
    </section>
  );
}

type GrantProps = { readonly grant: RequestFound['grants'][number] };

function LengthFact({ found: { request, grants } }: Props): JSX.Element {
  const { ttlMs, startsAt, until, extension } = request;
  return (
    <Fact name={t('request.window')}>
      <Duration ms={ttlMs} />{' '}
      {until !== undefined ? (
        <Text k="request.window.until" with={{ time: <Time at={until} /> }} />
      ) : extension !== undefined && grants.length === 0 ? (
        <Text k="request.window.extension" with={{ time: <Time at={extension.from} /> }} />
      ) : startsAt !== undefined ? (
        <Text k="request.window.starts" with={{ time: <Time at={startsAt} /> }} />
      ) : (
        grants.length === 0 && t('request.window.decision')
      )}
    </Fact>
  );
}

function Grants({ grants }: Pick<RequestFound, 'grants'>): JSX.Element {
  return (
    <ul class="request-grants" aria-label={t('request.grants')}>
      {grants.map((grant) => (
        <GrantItem key={grant.id} grant={grant} />
      ))}
    </ul>
  );
}

function GrantItem({ grant }: GrantProps): JSX.Element {
  return (
    <li>
      <span class="request-grant">
        <Scope scope={grant.scope} />
        <span class="quiet">
          <span class="screen-only">
            <GrantState grant={grant} />
          </span>
          <span class="print-only">
            <Text k="part.window" with={{ from: <Time at={grant.startsAt} />, until: <Time at={effectiveEnd(grant)} /> }} />
          </span>
        </span>
      </span>
      <WindowBar startsAt={grant.startsAt} endsAt={grant.expiresAt} endedAt={grant.end?.at} />
    </li>
  );
}

function GrantState({ grant }: GrantProps): JSX.Element {
  const { status, startsAt, expiresAt } = grant;
  if (status === 'active') return <Text k="part.left" with={{ time: <Countdown until={expiresAt} /> }} />;
  if (status === 'scheduled') return <Text k="part.from" with={{ time: <Time at={startsAt} /> }} />;
  return <Text k="request.ended" with={{ time: <Time at={effectiveEnd(grant)} /> }} />;
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
