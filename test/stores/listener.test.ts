import { sqlGrantStore, type PgClient, type PgPool, type SqlDatabase } from 'jit-access/sql';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

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

type Hear = (message: { readonly payload: string }) => void;

/** A server in one process: NOTIFY reaches the connections that listen, if `delivers`. */
class FakeServer {
  delivers = true;
  /** Whether it refuses NOTIFY. */
  refuses = false;
  notices = 0;
  /** Ends the connection that listens. */
  end: () => void = () => undefined;
  #hear: Hear = () => undefined;

  readonly db: SqlDatabase = {
    ...db,
    withoutPlugins: () => this.db,
    executeQuery: async ({ sql, parameters }) => {
      if (!sql.includes('pg_notify')) return { rows: [] };
      if (this.refuses) throw new Error('NOTIFY is refused');
      this.notices += 1;
      for (const payload of JSON.parse(parameters[0] as string) as string[]) if (this.delivers) this.#hear({ payload });
      return { rows: [] };
    },
  };

  readonly pool = {
    connect: async (): Promise<PgClient> => ({
      query: async () => undefined,
      on: (event: string, listener: (message: never) => void) => {
        if (event === 'notification') this.#hear = listener as unknown as Hear;
        if (event === 'end') this.end = listener as unknown as () => void;
      },
      release: () => undefined,
    }),
    on: () => undefined,
    query: async () => ({ rows: [] }),
  } as unknown as PgPool;
}

describe('the notification by which a store tries its connection [ST9]', () => {
  let server: FakeServer;
  const reports: string[] = [];
  let stop: () => void;
  beforeEach(() => {
    vi.useFakeTimers();
    reports.length = 0;
    server = new FakeServer();
  });
  afterEach(() => {
    stop();
    vi.useRealTimers();
  });
  const watch = (wake: () => void = () => undefined) => {
    const onError = (error: unknown, during: string) => reports.push(`${during}: ${String(error)}`);
    const { db, pool } = server;
    const store = sqlGrantStore({ db, dialect: 'postgres', namespace: 'payments', read: pool, timeoutMs: 100, onError });
    stop = (store as Required<typeof store>).watch(wake);
  };

  it('arrives, wakes no watcher, and is sent once for each connection', async () => {
    let wakes = 0;
    watch(() => (wakes += 1));
    await vi.advanceTimersByTimeAsync(120_000);
    // The first wake is for the commits before LISTEN.
    expect([server.notices, wakes, reports]).toEqual([1, 1, []]);
    server.end();
    await vi.advanceTimersByTimeAsync(1_000);
    expect([server.notices, wakes, reports]).toEqual([2, 2, []]);
  });

  it('is reported once if it does not arrive, over all connections, and again after one has arrived', async () => {
    server.delivers = false;
    watch();
    await vi.advanceTimersByTimeAsync(120_000);
    server.end();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(reports).toEqual([
      expect.stringMatching(
        /^listen: StoreError: store\.watch: a notification of this process has not arrived .* in transaction mode: omit read/,
      ),
    ]);
    for (const delivers of [true, false]) {
      server.delivers = delivers;
      server.end();
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(reports).toHaveLength(2);
  });

  it('shows nothing if it cannot be sent, and is sent again later', async () => {
    server.refuses = true;
    watch();
    await vi.advanceTimersByTimeAsync(20_000);
    server.refuses = false;
    server.delivers = false;
    expect(reports).toEqual([]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(reports).toHaveLength(1);
  });
});

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
