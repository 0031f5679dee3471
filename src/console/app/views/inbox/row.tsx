import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useComputed } from '@preact/signals';
import type { InboxItem } from '../../../../index.js';
import { second } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { duration } from '../../frame/time.js';
import { DecisionBar } from '../../parts/decision.js';
import { Row } from '../../parts/list.js';
import { Name, Person } from '../../parts/person.js';
import { Scopes } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { Ticket } from '../../parts/ticket.js';
import { Countdown, Duration, Time } from '../../parts/time.js';
import { useDecision } from '../../parts/use-decision.js';
import { Discussion } from './discussion.js';
import { Facts, Warnings } from './facts.js';
import { Gone } from './gone.js';
import { rowKeyOf, type RowKey } from './keys.js';
import type { Holding, Risk } from './read.js';
import { Choose, Why, type Together } from './together-bar.js';

export interface InboxRowProps {
  readonly item: InboxItem;
  /** What the subject holds. */
  readonly held: Holding | undefined;
  /** `undefined`: the policy names none, or could not say it. */
  readonly risk: Risk | undefined;
  /** Whether the API no longer lists it. */
  readonly isGone: boolean;
  readonly together: Together;
  readonly onKey: (key: Extract<RowKey, 'next' | 'previous' | 'help'>, row: HTMLElement) => void;
}

/** One request in two lines that open: who, what, how long and why; what speaks against it; and the decision. */
export function InboxRow({ item, held, risk, isGone, together, onKey }: InboxRowProps): JSX.Element {
  const { request, narrowedTo, locked } = item;
  const { people, readOnly, href } = useConsole();
  const control = useDecision(request, narrowedTo);
  const [isNarrowing, setNarrowing] = useState(false);
  const [isOpen, setOpen] = useState(false);
  // Not by `useId`: it repeats in parts that load later.
  const body = `details ${request.id}`.replaceAll(' ', '-');
  const isLate = useComputed(() => second.value >= request.reviewBy).value;
  const isOver = isGone || isLate;
  const canDecide = control.isOpen && !isOver && control.held === undefined && control.recorded === undefined;

  const onKeyDown = (event: KeyboardEvent) => {
    // A key that is held down presses a button again and again: it would approve, undo, and approve.
    if (event.repeat && event.key === 'Enter') event.preventDefault();
    const key = rowKeyOf({ ...pressedOf(event), target: event.target as Element | null }, control.ageMs());
    if (key === undefined) return;
    event.preventDefault();
    if (key === 'next' || key === 'previous' || key === 'help') onKey(key, event.currentTarget as HTMLElement);
    else if (key === 'open') setOpen(!isOpen);
    else if (!canDecide) return;
    else if (key === 'narrow') setNarrowing(true);
    else if (key === 'deny' || !locked) control.decide(key);
  };

  const who = people.value.get(request.subject)?.name ?? request.subject;
  const what = request.scopes.join(', ');
  const label = t('inbox.row', { who, what, long: duration(request.ttlMs) });
  return (
    <Row tabbable label={label} onKeyDown={onKeyDown} tone={control.held && (control.held.state === 'refused' ? 'no' : 'wait')}>
      <div class={`inbox-row inbox-item${isOver && !control.held ? ' over' : ''}${isOpen ? ' open' : ''}`}>
        <Line {...{ item, isLate, together }} />
        <Warnings item={item} />
        <div class="inbox-act">
          {isOver && !control.held && !control.recorded ? (
            <Gone requestId={request.id} isLate={isLate} />
          ) : (
            <DecisionBar {...{ request, control, narrowedTo, isNarrowing, setNarrowing }} isLocked={locked} />
          )}
          <Toggle {...{ body, isOpen, label: t('inbox.details.label', { who, what }) }} onPress={() => setOpen(!isOpen)} />
        </div>
        <div id={body} class="inbox-body" hidden={!isOpen}>
          {isOpen && (
            <>
              <Facts {...{ item, held, risk }} isDecided={control.recorded !== undefined} />
              <Discussion item={item} canComment={!readOnly && !isOver} />
              <a href={href('request', request.id)}>{t('inbox.open')}</a>
            </>
          )}
        </div>
      </div>
    </Row>
  );
}

interface ToggleProps {
  /** The id of the part that it opens. */
  readonly body: string;
  readonly isOpen: boolean;
  readonly label: string;
  readonly onPress: () => void;
}

function Toggle({ body, isOpen, label, onPress }: ToggleProps): JSX.Element {
  return (
    <button class="inbox-toggle quiet" type="button" aria-expanded={isOpen} aria-controls={body} aria-label={label} onClick={onPress}>
      {t('inbox.details')}
    </button>
  );
}

const pressedOf = ({ key, repeat, isComposing, ctrlKey, metaKey, altKey }: KeyboardEvent) => ({
  key,
  repeat,
  isComposing,
  ctrlKey,
  metaKey,
  altKey,
});

interface LineProps extends Pick<InboxRowProps, 'item' | 'together'> {
  readonly isLate: boolean;
}

/** The two lines of a row: who asks for what and how long, and why. An open row shows all of the reason. */
function Line({ item, isLate, together }: LineProps): JSX.Element {
  const { request } = item;
  const { subject, scopes, ttlMs, justification, ticket, reviewBy } = request;
  return (
    <>
      <div class="inbox-head">
        <Choose {...{ item, together }} />
        <Person id={subject} short />
        <p class="inbox-due">
          {isLate ? (
            <Text k="inbox.overdue" with={{ time: <Time at={reviewBy} /> }} />
          ) : (
            <Text k="inbox.due" with={{ time: <Countdown until={reviewBy} /> }} />
          )}
        </p>
        <p class="inbox-what">
          <Scopes scopes={scopes} />{' '}
          <strong>
            <Duration ms={ttlMs} />
          </strong>{' '}
          <span class="quiet">
            <Window request={request} />
          </span>
        </p>
        <Why {...{ item, together }} />
      </div>
      <div class="inbox-second">
        <Asker request={request} />
        {ticket !== undefined && <Ticket ticket={ticket} />}
        {justification === undefined ? <p class="quiet">{t('inbox.noReason')}</p> : <p dir="auto">{justification}</p>}
      </div>
    </>
  );
}

/** Who asks, if it is not the subject. */
function Asker({ request: { subject, requestedBy, operator } }: Pick<InboxItem, 'request'>): JSX.Element | null {
  if (requestedBy === subject && operator === undefined) return null;
  return (
    <p class="quiet">
      {requestedBy !== subject && <Text k="inbox.requestedBy" with={{ who: <Name id={requestedBy} /> }} />}{' '}
      {operator !== undefined && <Text k="inbox.operator" with={{ who: <Name id={operator} /> }} />}
    </p>
  );
}

/** When the access would begin or end. */
function Window({ request: { extension, startsAt, until } }: Pick<InboxItem, 'request'>): JSX.Element {
  if (extension !== undefined) return <Text k="inbox.long.extension" with={{ time: <Time at={extension.from} /> }} />;
  if (startsAt !== undefined) return <Text k="inbox.long.start" with={{ time: <Time at={startsAt} /> }} />;
  if (until !== undefined) return <Text k="inbox.long.until" with={{ time: <Time at={until} /> }} />;
  return <>{t('inbox.long.decision')}</>;
}
