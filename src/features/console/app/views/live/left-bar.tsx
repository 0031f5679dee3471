import type { JSX } from 'preact';
import { minute, now, second } from '../../frame/clock.js';
import { t } from '../../frame/messages.js';
import { duration } from '../../frame/time.js';
import { isBeyond, MARKS, placeOf } from './time-left.js';

const HOUR = 3_600_000;

/** What is left of a grant as a bar that shrinks towards now. It is a picture of the words beside it. */
export function LeftBar({ endsAt }: { readonly endsAt: number }): JSX.Element {
  // Within the hour it moves each second, before that each minute.
  const left = endsAt - (endsAt - now() <= HOUR ? second : minute).value;
  const end = placeOf(left);
  const tone = left <= 300_000 ? 'ending' : left <= HOUR ? 'soon' : 'held';
  return (
    <svg class={`left-bar ${tone}`} aria-hidden="true" focusable="false">
      {MARKS.slice(1, -1).map((mark) => (
        <line key={mark} class="grid" x1={`${placeOf(mark)}%`} x2={`${placeOf(mark)}%`} y1="0" y2="100%" />
      ))}
      <rect class="left" x="0" y="5" height="10" width={`${end.toFixed(3)}%`} />
      {isBeyond(left) ? (
        <svg x="100%" y="0" overflow="visible">
          <path class="edge" d="M-7 5l5 5-5 5" />
        </svg>
      ) : (
        <svg x={`${end.toFixed(3)}%`} y="0" overflow="visible">
          <path class="edge" d="M0 1q5 9 0 18" />
        </svg>
      )}
    </svg>
  );
}

/** The marks of the axis, above the bars. */
export function LeftAxis(): JSX.Element {
  return (
    <div class="held-row held-axis" aria-hidden="true">
      <span class="left-axis">
        {MARKS.slice(0, -1).map((mark) => (
          <span key={mark} style={{ insetInlineStart: `${placeOf(mark)}%` }}>
            {mark === 0 ? t('live.now') : duration(mark)}
          </span>
        ))}
      </span>
    </div>
  );
}
