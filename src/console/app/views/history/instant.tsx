import type { JSX } from 'preact';
import { numberText, t } from '../../frame/messages.js';
import { fullTime } from '../../frame/time.js';
import { Button } from '../../parts/button.js';
import { Scope } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { MOST_GRANTS } from './all-pages.js';
import type { ScopeTopic } from './question.js';
import { sliderStep, type Span } from './span.js';
import type { HoldersRead } from './use-holders.js';

export interface InstantProps {
  readonly span: Span;
  readonly at: number;
  readonly onAt: (at: number) => void;
}

/** A slider over the span. The form has a field for an exact time. */
export function InstantSlider({ span, at, onAt }: InstantProps): JSX.Element {
  return (
    <div class="lane-row instant">
      <input
        type="range"
        aria-label={t('history.at')}
        aria-valuetext={fullTime(at)}
        min={span.from}
        max={span.to - 1}
        step={sliderStep(span)}
        value={at}
        onInput={({ currentTarget }) => onAt(Math.min(Math.max(currentTarget.valueAsNumber, span.from), span.to - 1))}
      />
    </div>
  );
}

/** Who could use a scope at an instant, as a sentence. It counts all only after the last page, and says so until then. */
export function HoldersSentence(props: HoldersRead & { readonly topic: ScopeTopic }): JSX.Element {
  const { holders, stop, more, topic } = props;
  const { phase, people, grants, hasParts, at, error } = holders;
  const name = 'scope' in topic ? topic.scope : topic.pattern;
  const scope = <Scope scope={name} />;
  const isWhole = phase === 'whole';
  const values = {
    what: hasParts ? <Text k="history.orPart" with={{ scope }} /> : scope,
    time: fullTime(at),
    count: numberText(people),
  };
  const isUnread = people === 0 && !isWhole;
  const key = isUnread ? 'history.asking' : isWhole ? (people === 0 ? 'history.noneCould' : 'history.could') : 'history.leastCould';
  return (
    <div class="holders-answer">
      {/* A screen reader reads the last count only. */}
      <div aria-live="polite" aria-busy={phase === 'reading'}>
        <h2>
          <Text k={key} with={values} count={people} />
        </h2>
        {phase !== 'whole' && (
          <p class="quiet">{phase === 'full' ? t('history.full', { count: MOST_GRANTS }) : t(`history.${phase}`, { count: grants })}</p>
        )}
      </div>
      {phase === 'reading' && (
        <p class="actions">
          <Button small onPress={stop}>
            {t('history.stop')}
          </Button>
        </p>
      )}
      {(phase === 'stopped' || (phase === 'failed' && error !== undefined && grants > 0)) && (
        <p class="actions">
          <Button small onPress={more}>
            {t('history.readOn')}
          </Button>
        </p>
      )}
    </div>
  );
}
