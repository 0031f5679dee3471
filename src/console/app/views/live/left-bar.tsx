import type { JSX } from 'preact';
import { minute, second } from '../../frame/clock.js';
import { t } from '../../frame/messages.js';
import { duration } from '../../frame/time.js';
import { isBeyond, LATER, placeOf, SOON, type Axis } from './time-left.js';

const HOUR = 3_600_000;

/** The axis of a grant with so much time left. */
const axisOf = (leftMs: number): Axis => (leftMs <= HOUR ? SOON : LATER);

/** What is left of a grant as a bar that shrinks towards now. It is a picture of the words beside it. */
export function LeftBar({ endsAt }: { readonly endsAt: number }): JSX.Element {
  // The list has put it into one of its parts by the same minute. Within the hour the bar moves each second.
  const axis = axisOf(endsAt - minute.value);
  const left = endsAt - (axis === SOON ? second : minute).value;
  const end = placeOf(axis, left);
  const tone = left <= 300_000 ? 'ending' : left <= HOUR ? 'soon' : 'held';
  return (
    <svg class={`left-bar ${tone}`} aria-hidden="true" focusable="false">
      {axis.slice(1, -1).map((mark) => (
        <line key={mark} class="grid" x1={`${placeOf(axis, mark)}%`} x2={`${placeOf(axis, mark)}%`} y1="0" y2="100%" />
      ))}
      <rect class="left" x="0" y="5" height="10" width={`${end.toFixed(3)}%`} />
      {isBeyond(axis, left) ? (
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
export function LeftAxis({ axis }: { readonly axis: Axis }): JSX.Element {
  return (
    <div class="held-row held-axis" aria-hidden="true">
      <span class="left-axis">
        {axis.slice(0, -1).map((mark) => (
          <span key={mark} style={{ insetInlineStart: `${placeOf(axis, mark)}%` }}>
            {mark === 0 ? t('live.now') : duration(mark)}
          </span>
        ))}
      </span>
    </div>
  );
}
