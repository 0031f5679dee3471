import { useEffect } from 'preact/hooks';
import { after } from './clock.js';
import { mayPass, RETRY_MS } from './read-model.js';

/** Reads again by itself after a failure that may pass, as its text says. For reads outside of the read model. */
export function useRetry(error: unknown, again: () => void): void {
  useEffect(() => (mayPass(error) ? after(RETRY_MS, again) : undefined), [error]);
}
