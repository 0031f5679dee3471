import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { after, now } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { fullTime } from '../../frame/time.js';
import { useRead } from '../../frame/use-read.js';
import { Empty } from '../../parts/empty.js';
import { Field } from '../../parts/field.js';
import { Problem } from '../../parts/problem.js';
import { GrantList } from './grant-list.js';
import { blocksOf } from './blocks.js';
import { sliderStep, type Span } from './span.js';

/** A local time for `<input type="datetime-local">`. */
const toLocal = (at: number): string => new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);

export interface InstantProps {
  readonly span: Span;
  readonly at: number;
  readonly onAt: (at: number) => void;
}

/** A slider over the span, and a field for an exact time. */
export function InstantSlider({ span, at, onAt }: InstantProps): JSX.Element {
  const set = (value: number) => {
    if (Number.isFinite(value)) onAt(Math.min(Math.max(value, span.from), span.to - 1));
  };
  return (
    <div class="lane-row instant">
      <Field label={t('history.at')}>
        {({ required: _, ...control }) => (
          <input
            type="datetime-local"
            step="1"
            {...control}
            value={toLocal(at)}
            onChange={({ currentTarget }) => set(new Date(currentTarget.value).getTime())}
          />
        )}
      </Field>
      <input
        type="range"
        aria-label={t('history.at')}
        aria-valuetext={fullTime(at)}
        min={span.from}
        max={span.to - 1}
        step={sliderStep(span)}
        value={at}
        onInput={({ currentTarget }) => set(currentTarget.valueAsNumber)}
      />
    </div>
  );
}

/** Who had a scope at an instant, as the API says: also for a pattern that covers it. */
export function HoldersAt({ scope, at }: { readonly scope: string; readonly at: number }): JSX.Element {
  const { client } = useConsole();
  const [settled, setSettled] = useState(at);
  useEffect(
    () =>
      after(200, () => {
        setSettled(at);
      }),
    [at],
  );
  const { value, error, again } = useRead(
    // An instant of the future has no answer: the clock of the service may be a moment behind.
    (signal) => client.whoHadAccess({ scope, at: Math.min(settled, Math.floor(now()) - 1_000), limit: 1_000 }, { signal, people: true }),
    [scope, settled],
    () => false,
  );
  const people = new Set(value?.items.map(({ subject }) => subject)).size;
  return (
    <section class="section" aria-live="polite">
      <header class="section-head">
        <h2>
          {t('history.atInstant', { time: fullTime(at) })}
          {people > 0 && <>: {t('history.atCount', { count: people })}</>}
        </h2>
      </header>
      {error !== undefined && <Problem error={error} again={again} />}
      {value?.items.length === 0 && <Empty text={t('history.atNone')} />}
      {value !== undefined && value.items.length > 0 && (
        <GrantList label={t('history.ofScope', { scope })} blocks={blocksOf(value.items, 0)} />
      )}
    </section>
  );
}
