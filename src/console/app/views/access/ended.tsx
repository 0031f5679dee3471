import type { JSX } from 'preact';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { List, Row } from '../../parts/list.js';
import { Name } from '../../parts/person.js';
import { endReason } from '../../parts/problem-text.js';
import { Scopes } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { Time } from '../../parts/time.js';
import type { Grant, MineNow, Request } from './read.js';

interface End {
  readonly key: string;
  readonly requestId: string;
  readonly scopes: readonly string[];
  readonly at: number;
  readonly how: JSX.Element | string;
  readonly isBad: boolean;
  readonly reason: string | undefined;
}

function endOfGrant({ id, requestId, scope, expiresAt, end }: Grant): End {
  const cause = end?.cause ?? 'time';
  return {
    key: id,
    requestId,
    scopes: [scope],
    at: end?.at ?? expiresAt,
    how: cause === 'revoked' ? <Text k="access.end.revoked" with={{ who: <Name id={end?.by ?? ''} /> }} /> : t(`access.end.${cause}`),
    isBad: ['revoked', 'locked', 'unjustified'].includes(cause),
    reason: end && endReason(end),
  };
}

function endOfRequest({ id, scopes, outcome, createdAt, end }: Request): End {
  const how = outcome === 'denied' || outcome === 'cancelled' ? outcome : 'expired';
  return {
    key: id,
    requestId: id,
    scopes,
    at: end?.at ?? createdAt,
    how: t(`access.outcome.${how}`),
    isBad: outcome === 'denied',
    reason: end && endReason(end),
  };
}

/** What ended within a week: access, and requests that gave none. One line, which opens. */
export function Ended({ endedGrants, endedRequests }: Pick<MineNow, 'endedGrants' | 'endedRequests'>): JSX.Element | null {
  const { href, readOnly } = useConsole();
  const all = [...endedGrants.map(endOfGrant), ...endedRequests.map(endOfRequest)].sort((a, b) => b.at - a.at);
  if (all.length === 0) return null;
  const title = t('access.ended', { count: all.length });
  return (
    <details class="section">
      <summary>
        <h2>{title}</h2>
      </summary>
      <List label={title}>
        {all.map(({ key, requestId, scopes, at, how, isBad, reason }) => (
          <Row key={key}>
            <div class="ended">
              <a class="ended-what" href={href('request', requestId)}>
                <Scopes scopes={scopes} />
              </a>
              <span class={isBad ? 'chip no' : 'chip'}>{how}</span>
              <span class="quiet">
                <Time at={at} />
              </span>
              {!readOnly && scopes.length === 1 && <a href={href('ask', undefined, { scope: scopes[0] })}>{t('access.again')}</a>}
              {reason !== undefined && (
                <q class="ended-reason" dir="auto">
                  {reason}
                </q>
              )}
            </div>
          </Row>
        ))}
      </List>
    </details>
  );
}
