import type { JSX } from 'preact';
import type { Grant } from '../../../../index.js';
import { language } from '../../frame/messages.js';
import { barOf, heldWindow, shareOf, ticksOf, type Span } from './span.js';

/** The grants of one person or one scope as bars over a span. It is a picture of the list below it. */
export function Lane({
  grants,
  span,
  at,
}: {
  readonly grants: readonly Grant[];
  readonly span: Span;
  readonly at?: number | undefined;
}): JSX.Element {
  const ticks = ticksOf(span, 5).at;
  return (
    <svg class="lane" aria-hidden="true" focusable="false">
      <rect class="track" width="100%" height="100%" rx="4" />
      {ticks.map((tick) => (
        <line key={tick} class="grid" x1={`${shareOf(span, tick)}%`} x2={`${shareOf(span, tick)}%`} y1="0" y2="100%" />
      ))}
      {grants.map((grant) => {
        const held = heldWindow(grant);
        const bar = held && barOf(span, held);
        if (held === undefined || bar === undefined) return null;
        const isThen = at !== undefined && held.from <= at && at < held.to;
        const tone = `${grant.breakGlass ? 'glass' : 'held'}${at === undefined || isThen ? '' : ' other'}`;
        return (
          <rect
            key={grant.id}
            class={tone}
            x={`${bar.x.toFixed(3)}%`}
            style={{ width: `max(3px, ${bar.width.toFixed(3)}%)` }}
            y={grant.breakGlass ? 2 : 6}
            height={grant.breakGlass ? 20 : 12}
          />
        );
      })}
      {at !== undefined && <line class="needle" x1={`${shareOf(span, at)}%`} x2={`${shareOf(span, at)}%`} y1="-4" y2="28" />}
    </svg>
  );
}

/** The round times of a span, above its lanes. */
export function SpanAxis({ span }: { readonly span: Span }): JSX.Element {
  const { at, areDays } = ticksOf(span, 5);
  const format = new Intl.DateTimeFormat(
    language.value.lang,
    areDays ? { day: 'numeric', month: 'short' } : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  );
  return (
    <span class="span-axis" aria-hidden="true">
      {at.map((tick) => (
        <span key={tick} style={{ insetInlineStart: `${shareOf(span, tick).toFixed(3)}%` }}>
          {format.format(tick)}
        </span>
      ))}
    </span>
  );
}
