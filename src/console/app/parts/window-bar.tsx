import type { JSX } from 'preact';
import { second } from '../frame/clock.js';
import { t } from '../frame/messages.js';
import { shortTime } from '../frame/time.js';

export interface WindowBarProps {
  /** The half-open window `[startsAt, endsAt)`. Epoch milliseconds. */
  readonly startsAt: number;
  readonly endsAt: number;
  /** The first and the last instant of the axis. Default: those of the window. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** When the access ended early. Default: it did not. */
  readonly endedAt?: number | undefined;
}

const percent = (part: number): string => `${(Math.min(1, Math.max(0, part)) * 100).toFixed(2)}%`;

/** A window as a bar between `[` and `)`: what is left of it is filled, and shrinks. */
export function WindowBar({ startsAt, endsAt, from = startsAt, to = endsAt, endedAt }: WindowBarProps): JSX.Element {
  const at = second.value;
  const length = Math.max(1, to - from);
  const place = (instant: number) => (instant - from) / length;
  const last = Math.min(endsAt, endedAt ?? endsAt);
  const first = Math.min(last, Math.max(startsAt, at));
  const state = at < startsAt ? 'scheduled' : last <= at ? 'over' : last - at <= 300_000 ? 'ending' : 'held';
  const label = t('part.window', { from: shortTime(startsAt, at), until: shortTime(last, at) });
  return (
    <span class={`window-bar ${state}`} role="img" aria-label={label}>
      <span class="window-track">
        <span class="window-whole" style={{ insetInlineStart: percent(place(startsAt)), insetInlineEnd: percent(1 - place(endsAt)) }} />
        <span class="window-left" style={{ insetInlineStart: percent(place(first)), insetInlineEnd: percent(1 - place(last)) }} />
        <span class="window-edge" style={{ insetInlineStart: percent(place(startsAt)) }}>
          [
        </span>
        <span class="window-edge end" style={{ insetInlineStart: percent(place(last)) }}>
          )
        </span>
      </span>
    </span>
  );
}
