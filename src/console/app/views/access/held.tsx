import type { JSX } from 'preact';
import { useConsole } from '../../frame/console.js';
import { second } from '../../frame/clock.js';
import { t } from '../../frame/messages.js';
import { duration } from '../../frame/time.js';
import { Button } from '../../parts/button.js';
import { List, Row } from '../../parts/list.js';
import { Section } from '../../parts/page.js';
import { Scope } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { Ticket } from '../../parts/ticket.js';
import { Countdown, Time } from '../../parts/time.js';
import { WindowBar } from '../../parts/window-bar.js';
import type { Open } from './dialog.js';
import type { Grant, Request } from './read.js';

export interface HeldProps {
  readonly title: string;
  /** Whether they are held now, and not only later. */
  readonly isHeld: boolean;
  readonly grants: readonly Grant[];
  readonly requests: ReadonlyMap<string, Request>;
  readonly onOpen: (open: Open) => void;
}

/** Grants that are held or scheduled, those of a request together. */
export function Held({ title, isHeld, grants, requests, onOpen }: HeldProps): JSX.Element | null {
  if (grants.length === 0) return null;
  const ids = [...new Set(grants.map(({ requestId }) => requestId))];
  return (
    <Section title={title} count={grants.length}>
      <List label={title}>
        {ids.map((id) => (
          <Bundle
            key={id}
            id={id}
            isHeld={isHeld}
            grants={grants.filter(({ requestId }) => requestId === id)}
            request={requests.get(id)}
            onOpen={onOpen}
          />
        ))}
      </List>
    </Section>
  );
}

interface BundleProps extends Pick<HeldProps, 'grants' | 'isHeld' | 'onOpen'> {
  readonly id: string;
  readonly request: Request | undefined;
}

function Bundle({ id, isHeld, grants, request, onOpen }: BundleProps): JSX.Element {
  const { href, readOnly } = useConsole();
  const isBundle = grants.length > 1;
  const open = (kind: Open['kind'], grant?: Grant) => request && onOpen({ kind, found: { request, grants }, grant });
  const review = request?.afterReview;
  const isDue = review !== undefined && review.breakGlassReview === undefined;
  return (
    <Row>
      {grants.map((grant) => (
        <div class="grant" key={grant.id}>
          <p class="grant-scope">
            <Scope scope={grant.scope} />
            {grant.breakGlass && <span class="chip no">{t('access.breakGlass')}</span>}
          </p>
          <Window grant={grant} />
          {isBundle && !readOnly && (
            <Button small kind="quiet" label={t('access.releaseOne', { scope: grant.scope })} onPress={() => open('Release', grant)}>
              {t('access.release')}
            </Button>
          )}
        </div>
      ))}
      <div class="row-foot">
        <p class="row-words">
          {request?.justification !== undefined && <q dir="auto">{request.justification}</q>}
          <span class="quiet row-facts">
            {request?.ticket !== undefined && (
              <span>
                <Ticket ticket={request.ticket} />
              </span>
            )}
            {isDue && <Text k="access.reviewDue" with={{ time: <Time at={review.reviewBy} /> }} />}
            <a href={href('request', id)}>{t('access.request')}</a>
          </span>
        </p>
        {!readOnly && request && (
          <p class="actions">
            {isHeld && (
              <Button small onPress={() => open('Extend')}>
                {t('access.moreTime')}
              </Button>
            )}
            <Button small onPress={() => open('Release')}>
              {t(isBundle ? 'access.releaseAll' : 'access.release')}
            </Button>
          </p>
        )}
      </div>
    </Row>
  );
}

function Window({ grant: { startsAt, expiresAt } }: { readonly grant: Grant }): JSX.Element {
  const isLater = second.value < startsAt;
  return (
    <>
      <WindowBar startsAt={startsAt} endsAt={expiresAt} />
      <p class="grant-time">
        {isLater ? (
          <Text k="access.starts" with={{ time: <Time at={startsAt} />, length: duration(expiresAt - startsAt) }} />
        ) : (
          <>
            <Text k="access.left" with={{ time: <Countdown until={expiresAt} /> }} />
            <span class="quiet">
              <Text k="access.until" with={{ time: <Time at={expiresAt} /> }} />
            </span>
          </>
        )}
      </p>
    </>
  );
}
