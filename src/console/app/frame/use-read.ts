import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { after } from './clock.js';
import { useConsole, type Change } from './console.js';
import type { PersonInfo } from './types.js';

/** What a read gives: the last answer, also while it is read again or when that fails. */
export interface Read<T> {
  /** `undefined`: not answered yet. */
  readonly value: T | undefined;
  /** The error of the last read. `undefined`: it succeeded, or has not ended. */
  readonly error: unknown;
  readonly isLoading: boolean;
  /** Reads again. */
  readonly again: () => void;
}

/** Changes of one commit arrive together: they are one read. Milliseconds. */
const GATHER_MS = 150;

/** Failures that may pass by themselves are tried again. Milliseconds. */
export const RETRY_MS = 5_000;

/**
 * Reads from the API: at first, again when `keys` change, and after each change that `concerns` it. One read runs at a time, so an older
 * answer never replaces a newer one.
 *
 * @param read gets a signal that aborts when its answer is no longer wanted
 * @param concerns which changes it reads again after. Default: all
 */
export function useRead<T>(
  read: (signal: AbortSignal) => PromiseLike<T>,
  keys: readonly unknown[] = [],
  concerns: (change: Change) => boolean = () => true,
): Read<T> {
  const { learn, onChange } = useConsole();
  const [state, setState] = useState<{ value?: T; error?: unknown; isLoading: boolean }>({ isLoading: true });
  const latest = useRef({ read, concerns });
  latest.current = { read, concerns };
  const again = useRef<() => void>(() => undefined);

  useEffect(() => {
    const end = new AbortController();
    let [isRunning, isWanted, isGathering] = [false, false, false];
    let cancel: (() => void) | undefined;
    const run = async () => {
      cancel?.();
      cancel = undefined;
      isGathering = false;
      isWanted = isRunning;
      if (isRunning) return;
      isRunning = true;
      try {
        const value = await latest.current.read(end.signal);
        if (end.signal.aborted) return;
        learn((value as { people?: Record<string, PersonInfo | undefined> } | undefined)?.people);
        setState({ value, isLoading: false });
      } catch (error) {
        if (end.signal.aborted) return;
        setState((before) => ({ ...before, error, isLoading: false }));
        if (mayPass(error)) cancel ??= after(RETRY_MS, () => void run());
      } finally {
        isRunning = false;
        if (isWanted && !end.signal.aborted) void run();
      }
    };
    setState({ isLoading: true });
    again.current = () => {
      setState((before) => ({ ...before, isLoading: true }));
      void run();
    };
    const stop = onChange((change) => {
      if (change.type !== 'ready' && change.type !== 'reset' && !latest.current.concerns(change)) return;
      // Only the first of many changes starts the wait: a change each 100 ms must not put the read off for ever.
      if (isGathering) return;
      isGathering = true;
      cancel?.();
      cancel = after(GATHER_MS, () => void run());
    });
    void run();
    return () => {
      end.abort();
      cancel?.();
      stop();
    };
  }, keys);

  return { value: state.value, error: state.error, isLoading: state.isLoading, again: useCallback(() => again.current(), []) };
}

/** Whether a failure may end without the person: no answer, or a 5xx. */
export function mayPass(error: unknown): boolean {
  const { status, cause, code } = error as { status?: unknown; cause?: unknown; code?: unknown };
  const answered = typeof status === 'number' ? status : (cause as { status?: unknown } | undefined)?.status;
  return typeof answered === 'number' ? answered >= 500 : code === undefined && (error as Error).name === 'HttpClientError';
}
