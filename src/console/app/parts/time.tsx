import type { JSX } from 'preact';
import { minute, second } from '../frame/clock.js';
import { countdown, duration, fullTime, shortTime } from '../frame/time.js';

const isoOf = (at: number): string => new Date(at).toISOString();

/** An instant in the viewer's zone. Paper shows it in full, with its zone. */
export function Time({ at }: { readonly at: number }): JSX.Element {
  return (
    <time dateTime={isoOf(at)} title={fullTime(at)}>
      <span class="screen-only">{shortTime(at, minute.value)}</span>
      <span class="print-only">{fullTime(at)}</span>
    </time>
  );
}

/** The time until an instant, each second. It is no live region: a screen reader reads it only on request. */
export function Countdown({ until }: { readonly until: number }): JSX.Element {
  const left = until - second.value;
  return (
    <time class={left <= 300_000 ? 'countdown ending' : 'countdown'} dateTime={isoOf(until)} title={fullTime(until)}>
      {countdown(left)}
    </time>
  );
}

/** A length of time. */
export function Duration({ ms }: { readonly ms: number }): JSX.Element {
  return <span class="duration">{duration(ms)}</span>;
}
