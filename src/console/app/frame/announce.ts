import { signal } from '@preact/signals';
import { after } from './clock.js';

/** How long texts are collected before they are announced together. Milliseconds. */
const BATCH_MS = 1_000;

/** What the polite live region says. */
export const announced = signal('');

let waiting: string[] = [];

/** Says a text to a screen reader, with those of the same second, each once. */
export function announce(text: string): void {
  if (waiting.push(text) > 1) return;
  after(BATCH_MS, () => {
    announced.value = [...new Set(waiting)].join(' ');
    waiting = [];
  });
}
