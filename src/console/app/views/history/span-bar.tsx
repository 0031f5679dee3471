import type { JSX } from 'preact';
import { now } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { language, t } from '../../frame/messages.js';
import type { Query } from '../../frame/router.js';
import type { ViewName } from '../../frame/types.js';
import { DAY, lengthOf, LENGTHS, moved, resized, toAddress, type Length, type Span } from './span.js';

/** A span in words, such as `1 – 31 Jan 2026`. */
function spanText({ from, to }: Span): string {
  const { lang } = language.value;
  const clock = to - from <= 2 * DAY ? ({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const) : {};
  return new Intl.DateTimeFormat(lang, { day: 'numeric', month: 'short', year: 'numeric', ...clock }).formatRange(from, to);
}

export interface SpanBarProps {
  readonly view: ViewName;
  /** The other filters of the address. */
  readonly query: Query;
  readonly span: Span;
}

/** Chooses the span. Every choice is an address. */
export function SpanBar({ view, query, span }: SpanBarProps): JSX.Element {
  const { href } = useConsole();
  const to = (other: Span) => href(view, undefined, { ...query, from: toAddress(other.from), to: toAddress(other.to) });
  const at = now();
  const length = lengthOf(span);
  return (
    <nav class="span-bar" aria-label={t('history.span')}>
      <a class="button step" href={to(moved(span, -1, at))} aria-label={t('history.earlier')}>
        <span aria-hidden="true">‹</span>
      </a>
      <strong>{spanText(span)}</strong>
      {span.to < at - 60_000 && (
        <a class="button step" href={to(moved(span, 1, at))} aria-label={t('history.later')}>
          <span aria-hidden="true">›</span>
        </a>
      )}
      <span class="lengths">
        {(Object.keys(LENGTHS) as Length[]).map((name) => (
          <a key={name} class="button" href={to(resized(span, name))} aria-current={name === length ? 'true' : undefined}>
            {t(`history.${name}`)}
          </a>
        ))}
      </span>
    </nav>
  );
}
