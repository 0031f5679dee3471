import { useEffect, useState } from 'preact/hooks';
import { after, now } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';

/** Changes that arrive together move a page once, and the second of the last one has passed. Milliseconds. */
const GATHER_MS = 1_000;

const thisSecond = (): number => Math.floor(now() / 1_000) * 1_000;

/** The end of a span whose address names none: when the page was opened, because a picture must not move while it is read. */
export function useOpened(): { readonly opened: number; readonly moveOn: () => void } {
  const [opened, setOpened] = useState(thisSecond);
  return { opened, moveOn: () => setOpened(thisSecond()) };
}

/** Calls after grants have changed, while a page shows nothing that could move. */
export function useWhileEmpty(isEmpty: boolean, call: () => void): void {
  const { onChange } = useConsole();
  useEffect(() => {
    if (!isEmpty) return undefined;
    let cancel: (() => void) | undefined;
    const stop = onChange(({ type }) => {
      if (!/^(ready|reset|grant\.)/.test(type)) return;
      cancel?.();
      cancel = after(GATHER_MS, call);
    });
    return () => {
      cancel?.();
      stop();
    };
  }, [isEmpty]);
}
