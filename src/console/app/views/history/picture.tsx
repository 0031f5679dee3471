import type { JSX } from 'preact';
import type { Grant } from '../../../../index.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Person } from '../../parts/person.js';
import { Scope } from '../../parts/scope.js';
import { InstantSlider } from './instant.js';
import { Lane, SpanAxis } from './lane.js';
import { addressOf, isOfScope, type Question } from './question.js';
import { lanesOf } from './span.js';

/** The most lanes of a picture: more are no picture. The list has all. */
const MOST_LANES = 200;

interface PictureProps {
  readonly question: Question;
  readonly grants: readonly Grant[];
  /** Whether there are grants that have not been read. */
  readonly isPartial: boolean;
  readonly onAt: (at: number) => void;
}

/** The grants as bars over the span: a lane for each scope of a person, otherwise for each person. */
export function Picture({ question: { topic, span, at }, grants, isPartial, onAt }: PictureProps): JSX.Element {
  const { href } = useConsole();
  const lanes = lanesOf(grants, 'person' in topic ? 'scope' : 'subject');
  const instant = isOfScope(topic) ? at : undefined;
  return (
    <div class="picture">
      <div class="lane-row">
        <SpanAxis span={span} />
      </div>
      {lanes.slice(0, MOST_LANES).map(({ key, grants: own }) => (
        <div class="lane-row" key={key}>
          <span class="lane-name">
            <a href={href('history', undefined, addressOf({ topic: 'person' in topic ? { scope: key } : { person: key }, span, at }))}>
              {'person' in topic ? <Scope scope={key} /> : <Person id={key} short />}
            </a>{' '}
            <span class="quiet">{t('history.laneCount', { count: own.length })}</span>
          </span>
          <Lane grants={own} span={span} at={instant} />
        </div>
      ))}
      {instant !== undefined && <InstantSlider span={span} at={instant} onAt={onAt} />}
      <p class="legend">
        <span class="key">{t(instant === undefined ? 'history.legend.held' : 'history.legend.at')}</span>
        {instant !== undefined && <span class="key other">{t('history.legend.held')}</span>}
        <span class="key glass">{t('history.legend.breakGlass')}</span>
      </p>
      {lanes.length > MOST_LANES && <p class="quiet">{t('history.lanesLeft', { count: lanes.length - MOST_LANES })}</p>}
      {isPartial && <p class="quiet">{t('history.partly')}</p>}
    </div>
  );
}
