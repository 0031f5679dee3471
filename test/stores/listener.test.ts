import { sqlGrantStore, type PgClient, type PgPool, type SqlDatabase } from 'jit-access/sql';
import { afterEach, describe, expect, it, vi } from 'vitest';

/** A database that answers nothing: the connection that listens is all that a watcher needs. */
const db: SqlDatabase = {
  withoutPlugins: () => db,
  executeQuery: async () => ({ rows: [] }),
  connection: () => ({ execute: () => Promise.reject(new Error('no connection')) }),
};

/** A pool whose connections are lost as soon as they listen, and how many it has opened. */
function losingPool() {
  const opened: string[] = [];
  const connect = async (): Promise<PgClient> => {
    const ends: (() => void)[] = [];
    return {
      async query(text: unknown) {
        opened.push(String(text));
        queueMicrotask(() => ends.forEach((end) => end()));
      },
      on: (event: string, listener: (...args: never[]) => void) => event === 'end' && ends.push(listener),
      release: () => undefined,
    };
  };
  return { opened, pool: { connect, on: () => undefined, query: async () => ({ rows: [] }) } as unknown as PgPool };
}

describe('the connection that listens on PostgreSQL', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('L42 [ST9] leaves no listener on the signal of its watchers when it is replaced', async () => {
    vi.useFakeTimers();
    const signals = new Set<AbortSignal>();
    let open = 0;
    const { addEventListener, removeEventListener } = EventTarget.prototype;
    const counted = (add: number, call: typeof addEventListener) =>
      function (this: EventTarget, ...args: Parameters<typeof addEventListener>) {
        if (this instanceof AbortSignal) {
          signals.add(this);
          open += add;
        }
        call.apply(this, args);
      };
    vi.spyOn(EventTarget.prototype, 'addEventListener').mockImplementation(counted(1, addEventListener));
    vi.spyOn(EventTarget.prototype, 'removeEventListener').mockImplementation(counted(-1, removeEventListener));
    const { pool, opened } = losingPool();
    const stop = sqlGrantStore({ db, dialect: 'postgres', namespace: 'payments', read: pool }).watch?.(() => undefined);
    const counts: number[] = [];
    for (let i = 0; i < 30; i++) {
      await vi.advanceTimersByTimeAsync(100);
      counts.push(open);
    }
    expect(opened.length).toBeGreaterThan(20);
    // One for the pause before the next connection.
    expect(Math.max(...counts)).toBeLessThanOrEqual(1);
    stop?.();
    expect(signals.size).toBeGreaterThan(0);
  });
});
