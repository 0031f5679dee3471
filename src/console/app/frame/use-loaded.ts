import { useEffect, useState } from 'preact/hooks';

/** A part of the page that loads when it is needed. `isMissing`: its file is gone, and the page loads again. */
export interface Loaded<T> {
  readonly value?: T;
  readonly isMissing?: boolean;
}

/** @param load an `import()`. The same function each time, or it loads again */
export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({});
  useEffect(() => {
    load().then(
      (value) => setLoaded({ value }),
      () => {
        setLoaded({ isMissing: true });
        reloadOnce();
      },
    );
  }, [load]);
  return loaded;
}

const RELOADED = 'jit-access:reloaded';

/** A file of the page is gone: another version is installed. Twice in one session would be another failure. */
function reloadOnce(): void {
  try {
    if (sessionStorage.getItem(RELOADED) === import.meta.url) return;
    sessionStorage.setItem(RELOADED, import.meta.url);
  } catch {
    return;
  }
  location.reload();
}
