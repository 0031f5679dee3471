import type { ComponentChildren, JSX } from 'preact';
import type { RequestFound } from '../../../../index.js';
import type { TimelineEvent } from '../../../../client.js';
import { t, type MessageKey } from '../../frame/messages.js';
import { LongText } from '../../parts/long-text.js';
import { Name } from '../../parts/person.js';
import { Scope } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { Time } from '../../parts/time.js';
import { linesOf, type Tone } from './timeline.js';

/** The mark of a line says what its colour says. */
const MARKS: Readonly<Record<Tone, string>> = { plain: '•', yes: '✓', no: '✕', wait: '…' };

/** What happened, from the ask to the end. */
export function Timeline({ found, events }: { readonly found: RequestFound; readonly events: readonly TimelineEvent[] }): JSX.Element {
  const { outcome, request } = found;
  return (
    <ol class="timeline">
      {linesOf(events).map(({ at, key, by, scope, tone, text, isDecision }, index) => (
        <Moment key={index} {...{ at, tone, text, isDecision }}>
          <Text k={key as MessageKey} with={{ by: <Actor id={by} />, scope: scope && <Scope scope={scope} /> }} />
        </Moment>
      ))}
      {outcome === 'expired' && request.end === undefined && (
        <Moment at={request.reviewBy} tone="plain" isDecision>
          {t('request.event.request.expired')}
        </Moment>
      )}
    </ol>
  );
}

export interface MomentProps {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly tone: Tone;
  /** The words of a person. */
  readonly text?: string | undefined;
  readonly isDecision?: boolean | undefined;
  readonly children: ComponentChildren;
}

/** One line of a timeline. */
export function Moment({ at, tone, text, isDecision = false, children }: MomentProps): JSX.Element {
  return (
    <li class={isDecision ? `moment ${tone} decision` : `moment ${tone}`}>
      <span class="moment-mark" aria-hidden="true">
        {MARKS[tone]}
      </span>
      <p class="moment-what">{children}</p>
      <p class="moment-when quiet">
        <Time at={at} />
      </p>
      {text !== undefined && <LongText class="request-said" text={text} />}
    </li>
  );
}

/** A person by name. The engine's own actors have none. */
function Actor({ id }: { readonly id: string | undefined }): JSX.Element {
  return id === undefined || id.startsWith('system:') ? <>{t('request.engine')}</> : <Name id={id} />;
}
