import { describe, expect, it } from 'vitest';
import { HttpClientError, type AccessClient, type AccessEvent } from '../../../src/client.js';
import { feedOf } from '../../../src/features/react/feed.js';
import { LiveValue, LOADING, type Live, type Source } from '../../../src/features/react/live-value.js';
import { ManualClock } from '../../../src/testing.js';

const turns = async (count = 20) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** A client whose events the test sends, and a value whose reads it answers. */
function aValue(changesAfter?: Source<number>['changesAfter']) {
  const clock = new ManualClock();
  const streams: { readonly signal: AbortSignal; send(): void; fail(error: unknown): void }[] = [];
  const client = {
    async *events({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<AccessEvent> {
      let wake: (settle: () => void) => void = () => undefined;
      const queue: (() => void)[] = [];
      const push = (settle: () => void) => void (queue.push(settle), wake(settle));
      const fails = (error: unknown) => () => {
        throw error;
      };
      streams.push({ signal, send: () => push(() => undefined), fail: (error) => push(fails(error)) });
      const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      for (;;) {
        if (queue.length === 0) await Promise.race([ended, new Promise<unknown>((resolve) => (wake = resolve))]);
        if (signal.aborted) return;
        queue.shift()?.();
        yield { seq: 1, type: 'ready', at: undefined, requestId: undefined, grantId: undefined };
      }
    },
  } as unknown as AccessClient;
  const reads: { readonly signal: AbortSignal; resolve(value: number): void; reject(error: unknown): void }[] = [];
  const read = (_: AccessClient, signal: AbortSignal) =>
    new Promise<number>((resolve, reject) => void reads.push({ signal, resolve, reject }));
  const value = new LiveValue<number>(client, { read, changesAfter }, clock);
  const seen: Live<number>[] = [];
  const start = () => value.subscribe(() => seen.push(value.get()));
  return { clock, client, streams, reads, value, seen, start };
}

describe('a live value', () => {
  it('reads at the beginning and after each event, and connects once', async () => {
    const { streams, reads, value, start } = aValue();
    expect(value.get()).toBe(LOADING);
    start();
    value.subscribe(() => undefined);
    expect([reads.length, streams.length]).toEqual([1, 1]);
    reads[0]?.resolve(1);
    await turns();
    expect(value.get()).toEqual({ data: 1, error: undefined, isLoading: false });
    expect(value.get()).toBe(value.get());
    streams[0]?.send();
    await turns();
    reads[1]?.resolve(2);
    await turns();
    expect([value.get().data, reads.length]).toEqual([2, 2]);
  });

  it('reads once more after all events that arrive during a read', async () => {
    const { streams, reads, start } = aValue();
    start();
    await turns();
    for (let i = 0; i < 5; i++) streams[0]?.send();
    await turns();
    expect(reads).toHaveLength(1);
    reads[0]?.resolve(1);
    await turns();
    expect(reads).toHaveLength(2);
    reads[1]?.resolve(2);
    await turns();
    expect(reads).toHaveLength(2);
  });

  it('reads again when time changes it, and no more often than once in a second', async () => {
    const { clock, reads, start } = aValue((data) => data);
    start();
    for (const [i, [answer, pause]] of (
      [
        [60_000, 60_000],
        [0, 1_000],
        [-5, 1_000],
      ] as const
    ).entries()) {
      reads[i]?.resolve(answer);
      await turns();
      await clock.advance(pause - 1);
      expect(reads).toHaveLength(i + 1);
      await clock.advance(1);
      await turns();
      expect(reads).toHaveLength(i + 2);
    }
  });

  it('keeps the answer before a failure beside the error, and reads again after 30 seconds', async () => {
    const { clock, reads, value, start } = aValue();
    start();
    reads[0]?.resolve(1);
    await turns();
    value.refresh();
    reads[1]?.reject('down');
    await turns();
    expect(value.get()).toEqual({ data: 1, error: 'down', isLoading: false });
    await clock.advance('30s');
    await turns();
    reads[2]?.resolve(3);
    await turns();
    expect(value.get()).toEqual({ data: 3, error: undefined, isLoading: false });
  });

  it('shows why the events ended, and connects again for the next listener', async () => {
    const { client, streams, reads, value, start } = aValue();
    start();
    reads[0]?.resolve(1);
    await turns();
    streams[0]?.fail('signed out');
    await turns();
    expect(value.get()).toEqual({ data: 1, error: 'signed out', isLoading: false });
    feedOf(client).follow({ signal: new AbortController().signal, onEvent: () => undefined, onError: () => undefined });
    expect(streams).toHaveLength(2);
  });

  it('keeps the error of the stream after a good read, and follows the events again with refresh()', async () => {
    const { streams, reads, value, start } = aValue();
    start();
    reads[0]?.resolve(1);
    await turns();
    streams[0]?.fail('signed out');
    await turns();
    reads[1]?.resolve(2);
    await turns();
    expect(value.get()).toEqual({ data: 2, error: 'signed out', isLoading: false });
    expect(streams).toHaveLength(1);
    value.refresh();
    value.refresh();
    expect(streams).toHaveLength(2);
    reads[2]?.resolve(3);
    await turns();
    reads[3]?.resolve(4);
    await turns();
    expect(value.get()).toEqual({ data: 4, error: 'signed out', isLoading: false });
    streams[1]?.send();
    await turns();
    reads[4]?.resolve(5);
    await turns();
    expect(value.get()).toEqual({ data: 5, error: undefined, isLoading: false });
  });

  it.each([undefined, 60_000])(
    'connects again 30 seconds after the stream has failed, where time changes the value after %s',
    async (ms) => {
      const { clock, streams, reads, start } = aValue(() => ms);
      start();
      reads[0]?.resolve(1);
      await turns();
      for (const count of [1, 2]) {
        streams[count - 1]?.fail('down');
        await turns();
        for (const read of reads) read.resolve(count);
        await turns();
        for (const read of reads) read.resolve(count);
        await turns();
        await clock.advance(29_999);
        expect(streams).toHaveLength(count);
        await clock.advance(1);
        await turns();
        expect(streams).toHaveLength(count + 1);
      }
    },
  );

  it.each([401, 403])(
    'shows no data of the person before after a %i, of a read or of the stream, until the next answer',
    async (status) => {
      const { streams, reads, value, start } = aValue();
      start();
      reads[0]?.resolve(1);
      await turns();
      const error = new HttpClientError('refused', undefined, status);
      value.refresh();
      reads[1]?.reject(error);
      await turns();
      expect(value.get()).toEqual({ data: undefined, error, isLoading: false });
      value.refresh();
      reads[2]?.resolve(2);
      await turns();
      expect(value.get()).toEqual({ data: 2, error: undefined, isLoading: false });
      streams[0]?.fail(error);
      await turns();
      expect(value.get()).toEqual({ data: undefined, error, isLoading: false });
      reads[3]?.resolve(3);
      await turns();
      expect(value.get()).toEqual({ data: 3, error, isLoading: false });
    },
  );

  it('has neither data nor an error of the person before for the first render after a stop, and later', async () => {
    const { streams, reads, value, start } = aValue();
    const stop = start();
    reads[0]?.resolve(1);
    streams[0]?.fail('signed out');
    await turns();
    stop();
    expect(value.get()).toBe(LOADING);
    start();
    reads.at(-1)?.resolve(2);
    await turns();
    expect(value.get()).toEqual({ data: 2, error: undefined, isLoading: false });
  });

  it('stops without a listener, and is loading again for the next one', async () => {
    const { clock, streams, reads, value, seen, start } = aValue(() => 5_000);
    const stop = start();
    reads[0]?.resolve(1);
    await turns();
    expect(clock.sleepers).toBe(1);
    stop();
    stop();
    await turns();
    expect([clock.sleepers, reads[0]?.signal.aborted, streams[0]?.signal.aborted]).toEqual([0, true, true]);
    value.refresh();
    expect(reads).toHaveLength(1);
    seen.length = 0;
    start();
    expect(value.get()).toBe(LOADING);
    expect([reads.length, streams.length]).toEqual([2, 2]);
  });

  it('ignores the answer of a read that a stop has overtaken, as in StrictMode', async () => {
    const { reads, value, start } = aValue();
    start()();
    start();
    reads[0]?.resolve(1);
    await turns();
    expect(value.get()).toBe(LOADING);
    reads[1]?.resolve(2);
    await turns();
    expect(value.get().data).toBe(2);
    start()();
    reads[0]?.reject('late');
  });
});
