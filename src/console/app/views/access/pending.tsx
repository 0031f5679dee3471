import type { JSX } from 'preact';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { approvalsText } from '../../parts/approvals.js';
import { Button } from '../../parts/button.js';
import { List, Row } from '../../parts/list.js';
import { Section } from '../../parts/page.js';
import { Name, Person } from '../../parts/person.js';
import { Scopes } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { Ticket } from '../../parts/ticket.js';
import { Countdown, Duration } from '../../parts/time.js';
import type { Open } from './dialog.js';
import type { Mine, MineNow, Request, Waiting } from './read.js';

/** The most people that a row names. */
const MOST = 5;

/** What the viewer has asked for and no reviewer has decided. */
export function Pending({
  pending,
  waiting,
  onOpen,
}: Pick<MineNow, 'pending'> & Pick<Mine, 'waiting'> & { readonly onOpen: (open: Open) => void }): JSX.Element | null {
  if (pending.length === 0) return null;
  const title = t('access.pending');
  return (
    <Section title={title} count={pending.length}>
      <List label={title}>
        {pending.map((request) => (
          <Item key={request.id} request={request} waiting={waiting.get(request.id)} onOpen={onOpen} />
        ))}
      </List>
    </Section>
  );
}

interface ItemProps {
  readonly request: Request;
  readonly waiting: Waiting | undefined;
  readonly onOpen: (open: Open) => void;
}

function Item({ request, waiting, onOpen }: ItemProps): JSX.Element {
  const { caller, href, readOnly } = useConsole();
  const { id, scopes, ttlMs, subject, justification, ticket, reviewBy } = request;
  const { missing = [] } = waiting ?? {};
  const open = (kind: Open['kind']) => onOpen({ kind, found: { request, grants: [] } });
  return (
    <Row>
      <div class="pending-head">
        <p class="grant-scope">
          <Scopes scopes={scopes} />
          <Duration ms={ttlMs} />
          {subject !== caller && <Text k="access.forOther" with={{ who: <Name id={subject} /> }} />}
        </p>
        <span class="chip wait">
          {missing.length === 0 ? t('access.waits') : t('access.waitsFor', { missing: approvalsText(missing, 'part.approvals.more') })}
        </span>
      </div>
      {waiting && (
        <p class="may-act">
          <span class="quiet">{waiting.reviewers === undefined ? t('access.nobodyNamed') : t('access.mayAct')}</span>{' '}
          {waiting.reviewers?.slice(0, MOST).map((reviewer) => (
            <Person key={reviewer} id={reviewer} short />
          ))}
          {(waiting.reviewers?.length ?? 0) > MOST && (
            <span class="quiet">{t('access.moreEnded', { count: (waiting.reviewers?.length ?? 0) - MOST })}</span>
          )}
        </p>
      )}
      <div class="row-foot">
        <p class="row-words">
          {justification !== undefined && <q dir="auto">{justification}</q>}
          <span class="quiet row-facts">
            {ticket !== undefined && (
              <span>
                <Ticket ticket={ticket} />
              </span>
            )}
            <Text k="access.due" with={{ time: <Countdown until={reviewBy} /> }} />
            <a href={href('request', id)}>{t('access.request')}</a>
          </span>
        </p>
        {!readOnly && (
          <p class="actions">
            <a class="button small" href={href('request', id)}>
              {t('access.comment')}
            </a>
            <Button small onPress={() => open('Change')}>
              {t('access.change')}
            </Button>
            <Button small kind="quiet" onPress={() => open('Cancel')}>
              {t('access.cancel')}
            </Button>
          </p>
        )}
      </div>
    </Row>
  );
}
