import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useComputed } from '@preact/signals';
import type { InboxItem } from '../../../../index.js';
import { second } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { duration } from '../../frame/time.js';
import { Asked } from '../../parts/asked.js';
import { DecisionBar } from '../../parts/decision.js';
import { Row } from '../../parts/list.js';
import { Name, Person } from '../../parts/person.js';
import { Text } from '../../parts/text.js';
import { Countdown, Time } from '../../parts/time.js';
import { useDecision } from '../../parts/use-decision.js';
import { Discussion } from './discussion.js';
import { Facts } from './facts.js';
import { Gone } from './gone.js';
import { rowKeyOf, type RowKey } from './keys.js';
import type { Holding } from './read.js';

export interface InboxRowProps {
  readonly item: InboxItem;
  /** What the subject holds. */
  readonly held: Holding | undefined;
  /** Whether the API no longer lists it. */
  readonly isGone: boolean;
  readonly onKey: (key: Extract<RowKey, 'next' | 'previous' | 'help'>, row: HTMLElement) => void;
}

/** One request: who, what, how long, why; what speaks for and against it; and the decision. */
export function InboxRow({ item, held, isGone, onKey }: InboxRowProps): JSX.Element {
  const { request, narrowedTo, locked } = item;
  const { people, readOnly, href } = useConsole();
  const control = useDecision(request, narrowedTo);
  const [isNarrowing, setNarrowing] = useState(false);
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
    else if (!canDecide) return;
    else if (key === 'narrow') setNarrowing(true);
    else if (key === 'deny' || !locked) control.decide(key);
  };

  const who = people.value.get(request.subject)?.name ?? request.subject;
  const label = t('inbox.row', { who, what: request.scopes.join(', '), long: duration(request.ttlMs) });
  return (
    <Row tabbable label={label} onKeyDown={onKeyDown} tone={control.held && (control.held.state === 'refused' ? 'no' : 'wait')}>
      <div class={isOver && !control.held ? 'inbox-row over' : 'inbox-row'}>
        <header class="inbox-head">
          <Person id={request.subject} />
          <p class="inbox-due">
            {isLate ? <Text k="inbox.overdue" with={{ time: <Time at={request.reviewBy} /> }} /> : <Due at={request.reviewBy} />}
          </p>
        </header>
        <div class="inbox-columns">
          <Requested request={request} />
          <Facts item={item} held={held} isDecided={control.recorded !== undefined} />
        </div>
        {isOver && !control.held && !control.recorded ? (
          <Gone requestId={request.id} isLate={isLate} />
        ) : (
          <DecisionBar {...{ request, control, narrowedTo, isNarrowing, setNarrowing }} isLocked={locked} />
        )}
        <footer class="inbox-foot">
          <Discussion item={item} canComment={!readOnly && !isOver} />
          <a href={href('request', request.id)}>{t('inbox.open')}</a>
        </footer>
      </div>
    </Row>
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

function Due({ at }: { readonly at: number }): JSX.Element {
  return <Text k="inbox.due" with={{ time: <Countdown until={at} /> }} />;
}

/** What is requested, for how long, and why. */
function Requested({ request }: Pick<InboxItem, 'request'>): JSX.Element {
  return (
    <div class="inbox-ask">
      <Asker request={request} />
      <Asked request={request} when={<Window request={request} />} noReason={t('inbox.noReason')} />
    </div>
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
