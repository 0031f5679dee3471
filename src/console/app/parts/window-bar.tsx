import type { JSX } from 'preact';
import { second } from '../frame/clock.js';
import { t } from '../frame/messages.js';
import { shortTime } from '../frame/time.js';

export interface WindowBarProps {
  /** The half-open window `[startsAt, endsAt)`. Epoch milliseconds. */
  readonly startsAt: number;
  readonly endsAt: number;
  /** Where an instant lies: 0 to 1, or outside of the axis. Default: the axis is the window. */
  readonly place?: ((instant: number) => number) | undefined;
  /** When the access ended early. Default: it did not. */
  readonly endedAt?: number | undefined;
}

const percent = (part: number): string => `${(Math.min(1, Math.max(0, part)) * 100).toFixed(2)}%`;

/** A window as a bar between `[` and `)`: what is left of it is filled, and shrinks. An edge outside of the axis is not drawn. */
export function WindowBar({ startsAt, endsAt, place, endedAt }: WindowBarProps): JSX.Element {
  const at = second.value;
  const placeOf = place ?? ((instant: number) => (instant - startsAt) / Math.max(1, endsAt - startsAt));
  const last = Math.min(endsAt, endedAt ?? endsAt);
  const [begin, first, end] = [startsAt, Math.min(last, Math.max(startsAt, at)), last].map(placeOf) as [number, number, number];
  const state = at < startsAt ? 'scheduled' : last <= at ? 'over' : last - at <= 300_000 ? 'ending' : 'held';
  const label = t('part.window', { from: shortTime(startsAt, at), until: shortTime(last, at) });
  return (
    <span class={`window-bar ${state}`} role="img" aria-label={label}>
      <span class="window-track">
        <span class="window-whole" style={{ insetInlineStart: percent(begin), insetInlineEnd: percent(1 - placeOf(endsAt)) }} />
        <span class="window-left" style={{ insetInlineStart: percent(first), insetInlineEnd: percent(1 - end) }} />
        {begin >= 0 && (
          <span class="window-edge" style={{ insetInlineStart: percent(begin) }}>
            [
          </span>
        )}
        <span class="window-edge end" style={{ insetInlineStart: percent(end) }}>
          {end > 1 ? '›' : ')'}
        </span>
      </span>
    </span>
  );
}
