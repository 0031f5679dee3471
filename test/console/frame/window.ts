export const ANA = 'user:ana';
export const BEA = 'user:bea';

/** The parts of a `Window` that a session uses. */
export function aWindow() {
  const listeners: Record<string, ((event: object) => void)[]> = {};
  const kept = new Map<string, string>();
  const replaced: string[] = [];
  return {
    /** The addresses that took the place of the page. */
    replaced,
    kept,
    emit: (type: string, event: object = {}) => {
      for (const listener of listeners[type] ?? []) listener(event);
    },
    addEventListener: (type: string, listener: (event: object) => void) => void (listeners[type] ??= []).push(listener),
    document: { hidden: false, addEventListener: () => undefined },
    location: {
      href: 'https://access.example.com/console/inbox?x=1',
      pathname: '/console/inbox',
      search: '?x=1',
      replace: (address: string) => void replaced.push(address),
    },
    sessionStorage: {
      get length() {
        return kept.size;
      },
      key: (index: number) => [...kept.keys()][index] ?? null,
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    },
  };
}

export type FakeWindow = ReturnType<typeof aWindow>;
