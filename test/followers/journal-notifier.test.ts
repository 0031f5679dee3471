import { describe, expect, it } from 'vitest';
import { JournalNotifier, type NotifierContext, type JournalListener } from '../../src/followers/journal-notifier.js';
import { InterruptibleSleep } from '../../src/kernel/interruptible-sleep.js';
import type { AuditEntry } from '../../src/index.js';
import type { JournalSlice } from '../../src/store.js';
import { ManualClock, START_AT } from '../../src/testing.js';
import { settle } from '../features/work/at-work.js';

/** A notifier over a store whose hints the test sends, and a journal in which each entry is about a request. */
function anAlarm(over: Partial<NotifierContext['store']> = {}) {
  const wakes = new Set<() => void>();
  const told: unknown[] = [];
  const heard: string[] = [];
  const watch = (wake: () => void) => {
    wakes.add(wake);
    return () => wakes.delete(wake);
  };
  const journal = {
    about: [] as string[],
    start: 0,
    reads: [] as (readonly [number | undefined, number])[],
    answer: async (slice: JournalSlice): Promise<JournalSlice> => slice,
  };
  const read = async (after: number | undefined, limit: number): Promise<JournalSlice> => {
    journal.reads.push([after, limit]);
    const { about, start } = journal;
    const entries = about.map((requestId, i) => ({ seq: i + 1, requestId }) as AuditEntry);
    const kept = entries.slice(Math.max(after ?? Infinity, start)).slice(0, limit);
    const anchor = (seq: number) => ({ seq, hash: '' });
    return journal.answer({ entries: kept, start: anchor(start), head: anchor(about.length) });
  };
  const alarm = new JournalNotifier({ store: { watch, ...over }, journal: read, onError: (error, during) => told.push([during, error]) });
  const listener = (name: string): JournalListener => ({ concerns: ({ requestId }) => requestId === name, wake: () => heard.push(name) });
  const listen = (name: string) => alarm.listen(listener(name));
  /** The listeners that were woken since the last call. */
  const heardSince = async () => {
    await settle();
    return heard.splice(0).sort();
  };
  /** Appends entries, and sends a hint. */
  const append = async (...about: string[]) => {
    journal.about.push(...about);
    alarm.hint();
    return heardSince();
  };
  return { alarm, wakes, told, journal, listener, listen, heardSince, append };
}

/** A notifier that has read the journal up to its head. */
async function anInformed(...names: string[]) {
  const made = anAlarm();
  const leave = names.map((name) => made.listen(name));
  expect(await made.append('nobody')).toEqual([...names].sort());
  made.journal.reads = [];
  return { ...made, leave };
}

describe('JournalNotifier', () => {
  it('watches the store from the first listener to the last, once', () => {
    const { wakes, listen } = anAlarm();
    expect(wakes.size).toBe(0);
    const [first, second] = [listen('a'), listen('b')];
    expect(wakes.size).toBe(1);
    first();
    first();
    expect(wakes.size).toBe(1);
    second();
    expect(wakes.size).toBe(0);
    second();
    listen('a');
    expect(wakes.size).toBe(1);
  });

  it('reads nothing without listeners, and nothing before a hint', async () => {
    const { alarm, listen, append, heardSince, journal } = anAlarm();
    await append('a');
    listen('a');
    await settle();
    expect(journal.reads).toEqual([]);
    alarm.hint();
    expect(await heardSince()).toEqual(['a']);
    expect(journal.reads).toHaveLength(1);
  });

  it('wakes every listener at the first hint, as earlier entries are unknown, and then those whom an entry concerns', async () => {
    const { append, journal, listen } = await anInformed('a', 'b');
    expect(await append('c')).toEqual([]);
    expect(await append('c', 'b', 'c')).toEqual(['b']);
    listen('c');
    expect(await append('a', 'c', 'c')).toEqual(['a', 'c']);
    expect(await append()).toEqual([]);
    // One read each, from the end of the last one.
    expect(journal.reads.map(([after]) => after)).toEqual([1, 2, 5, 8]);
  });

  it('L12 wakes after the head is known, and does not miss a commit during its read', async () => {
    const { alarm, journal, listen, heardSince } = anAlarm();
    let answer: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => (answer = resolve));
    journal.answer = async (slice) => (await asked, slice);
    listen('a');
    alarm.hint();
    expect(await heardSince()).toEqual([]);
    answer();
    expect(await heardSince()).toEqual(['a']);
  });

  it('L12 has one read in flight, and reads once more for a hint in the meantime', async () => {
    const { alarm, journal, append, heardSince } = await anInformed('a');
    let answer: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => (answer = resolve));
    journal.answer = async (slice) => (await asked, slice);
    await append('b');
    await append('a');
    alarm.hint();
    expect(journal.reads).toEqual([[1, 200]]);
    answer();
    expect(await heardSince()).toEqual(['a']);
    expect(journal.reads.map(([after]) => after)).toEqual([1, 2]);
  });

  it('reads page after page', async () => {
    const { append, journal } = await anInformed('a', 'b');
    expect(await append('a', ...Array.from({ length: 400 }, () => 'c'), 'b')).toEqual(['a', 'b']);
    expect(journal.reads.map(([after]) => after)).toEqual([1, 201, 401]);
  });

  it('L33 wakes every listener where unread entries were trimmed, or the journal was restored to an earlier state', async () => {
    const { append, journal } = await anInformed('a', 'b');
    journal.about = Array.from({ length: 10 }, () => 'c');
    journal.start = 5;
    expect(await append()).toEqual(['a', 'b']);
    expect(await append('b')).toEqual(['b']);
    journal.about = ['c', 'c', 'c'];
    journal.start = 0;
    expect(await append()).toEqual(['a', 'b']);
    expect(await append('b')).toEqual(['b']);
  });

  it('L30 wakes every listener where the journal cannot be read, reports it, and continues from there', async () => {
    const { append, journal, told } = await anInformed('a', 'b');
    const problem = new Error('no journal');
    journal.answer = async () => Promise.reject(problem);
    expect(await append('c')).toEqual(['a', 'b']);
    expect(told).toEqual([['watch', problem]]);
    journal.answer = async (slice) => slice;
    expect(await append('a')).toEqual(['a']);
    expect(journal.reads.map(([after]) => after)).toEqual([1, 1]);
  });

  it('L30 wakes every listener for a malformed entry, reports it, and skips it', async () => {
    const { alarm, append, told, journal } = await anInformed('a');
    // As a watch that reads the entry's data.
    const looking = alarm.listen({ concerns: ({ requestId }) => (requestId as string).startsWith('b'), wake: () => undefined });
    expect(await append(7 as never)).toEqual(['a']);
    expect(told).toEqual([['watch', expect.any(TypeError)]]);
    expect(await append('a')).toEqual(['a']);
    expect(journal.reads.map(([after]) => after)).toEqual([1, 2]);
    looking();
  });

  it('starts over when a listener joins after the last one left', async () => {
    const { append, journal, leave, listen } = await anInformed('a');
    leave.forEach((one) => one());
    await append('a', 'a');
    expect(journal.reads).toEqual([]);
    listen('b');
    expect(await append('c')).toEqual(['b']);
    expect(journal.reads).toEqual([[undefined, 200]]);
  });

  it('forgets its position when the last listener leaves during a read', async () => {
    const { append, journal, leave, listen, heardSince } = await anInformed('a');
    let answer: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => (answer = resolve));
    journal.answer = async (slice) => (await asked, slice);
    await append('a');
    leave.forEach((one) => one());
    answer();
    expect(await heardSince()).toEqual([]);
    listen('b');
    await append('b');
    expect(journal.reads.map(([after]) => after)).toEqual([1, undefined]);
  });

  it("is woken by the store's hints and by its own engine's", async () => {
    const { wakes, journal, listen, heardSince } = anAlarm();
    listen('a');
    for (const wake of wakes) wake();
    await heardSince();
    journal.about.push('a');
    for (const wake of wakes) wake();
    expect(await heardSince()).toEqual(['a']);
  });

  it('lets a listener leave or join while it wakes listeners', async () => {
    const { alarm, append, listen } = anAlarm();
    const heard: string[] = [];
    const leave = alarm.listen({
      concerns: () => true,
      wake: () => {
        leave();
        listen('new');
        heard.push('old');
      },
    });
    listen('other');
    expect(await append('x')).toEqual(['other']);
    expect(heard).toEqual(['old']);
    expect(await append('new')).toEqual(['new']);
    expect(heard).toEqual(['old']);
  });

  describe('without a working store.watch', () => {
    it('where there is none', async () => {
      const { listen, append, told } = anAlarm({ watch: undefined as never });
      const leave = listen('a');
      expect(await append('x')).toEqual(['a']);
      leave();
      expect(told).toEqual([]);
    });

    it('that throws at the start: reports it, and tries again for the next listener', async () => {
      const problem = new Error('no watch');
      let calls = 0;
      const wakes = new Set<() => void>();
      const watch = (wake: () => void) => {
        calls += 1;
        if (calls === 1) throw problem;
        wakes.add(wake);
        return () => wakes.delete(wake);
      };
      const { listen, told, append } = anAlarm({ watch });
      const first = listen('a');
      expect(told).toEqual([['watch', problem]]);
      expect(await append('x')).toEqual(['a']);
      const others = [listen('b'), listen('c')];
      expect([calls, wakes.size]).toEqual([2, 1]);
      for (const leave of [first, ...others]) leave();
      expect([calls, wakes.size, told.length]).toEqual([2, 0, 1]);
    });

    it('that throws at the end: reports it', () => {
      const problem = new Error('no end');
      const watch = () => () => {
        throw problem;
      };
      const { listen, told } = anAlarm({ watch });
      listen('a')();
      expect(told).toEqual([['watch', problem]]);
    });

    it('that returns no function, and calls it only once', () => {
      let calls = 0;
      const { listen, told } = anAlarm({ watch: (() => void (calls += 1)) as never });
      const leave = [listen('a'), listen('b')];
      for (const one of leave) one();
      expect([calls, told]).toEqual([1, []]);
    });

    it('that is a promise and rejects: reports it, and tries again, unless another watch has started since', async () => {
      const problem = new Error('LISTEN failed');
      const fails: ((error: unknown) => void)[] = [];
      const promised = () => new Promise<() => void>((_, reject) => fails.push(reject));
      const { listen, told } = anAlarm({ watch: promised as never });
      listen('a');
      fails[0]?.(problem);
      await settle();
      expect(told).toEqual([['watch', problem]]);
      const second = listen('b');
      expect(fails).toHaveLength(2);
      second();
      listen('c');
      expect(fails).toHaveLength(2);
    });

    it('that rejects after another watch has started: keeps the other', async () => {
      const fails: ((error: unknown) => void)[] = [];
      const promised = () => new Promise<() => void>((_, reject) => fails.push(reject));
      const { listen, told } = anAlarm({ watch: promised as never });
      // A rejected watch has no function to end it, which is reported too.
      listen('a')();
      listen('b');
      fails[0]?.(new Error('LISTEN failed'));
      await settle();
      expect(told).toHaveLength(2);
      listen('c');
      expect(fails).toHaveLength(2);
    });
  });
});

describe('InterruptibleSleep', () => {
  it('returns whether it was interrupted', async () => {
    const clock = new ManualClock();
    const nap = new InterruptibleSleep(clock);
    const slept = nap.until(START_AT + 10);
    await clock.advance(10);
    expect(await slept).toBe(false);
    const cut = nap.until(START_AT + 20);
    nap.wake();
    expect(await cut).toBe(true);
    expect(clock.sleepers).toBe(0);
  });

  it('is interrupted by a wake() before it, once', async () => {
    const clock = new ManualClock();
    const nap = new InterruptibleSleep(clock);
    nap.wake();
    nap.wake();
    expect(await nap.until(START_AT + 10)).toBe(true);
    const next = nap.until(START_AT + 10);
    expect(clock.sleepers).toBe(1);
    await clock.advance(10);
    expect(await next).toBe(false);
  });

  it("yields to other work where the clock's sleep returns at once", async () => {
    const nap = new InterruptibleSleep({ now: () => START_AT, sleep: async () => undefined });
    let naps = 0;
    const napping = (async () => {
      while (naps < 1_000) {
        await nap.until(START_AT + 10);
        naps += 1;
      }
    })();
    await settle();
    expect(naps).toBeLessThan(100);
    naps = 1_000;
    await napping;
  });
});
