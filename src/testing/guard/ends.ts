import { holds, same } from '../assertions.js';
import type { Cases } from './cases.js';
import { isRefused, seen } from './steps.js';
import type { GuardWorld, Stream } from './world.js';

/** Long enough for several polls. */
const TTL_MS = 10_000;

/** A stream whose first piece the client has read. */
async function begun(world: GuardWorld, subject = 'user:maya', signal?: AbortSignal) {
  const at = world.streams.length;
  const response = await world.call('stream', subject, signal === undefined ? {} : { signal });
  same(response.status, 200, 'the status of a stream');
  const body = response.body as ReadableStream<Uint8Array>;
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let read = '';
  while (!read.includes('begun')) {
    const { done, value } = await reader.read();
    holds(!done, 'a stream does not end before its access');
    read += value;
  }
  const rest = async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return read;
      read += value;
    }
  };
  return { rest, stream: world.streams[at] as Stream };
}

const nameOf = async ({ over }: Stream) => ((await over) as { readonly name?: unknown }).name;

export const ends: Cases = (it, hooks) => {
  stoppedStreams(it, hooks);
  stoppedWatches(it, hooks);
};

/** A stream ends with its access. */
const stoppedStreams: Cases = (it) => {
  it('stops a stream at the end of the window, and the client reads its end', async (world) => {
    const { expiresAt } = await world.grant('user:maya', { ttl: TTL_MS });
    const { rest, stream } = await begun(world);
    await world.clock.set(expiresAt - 1);
    same(stream.access.signal.aborted, false, 'whether the signal has aborted right before the end');
    await world.clock.set(expiresAt);
    same(stream.access.signal.aborted, true, 'whether the signal has aborted at the end');
    same(await rest(), 'begun, over: ERR_JIT_DENIED', 'what the client has read');
    await world.isAtRest();
    world.handled.length = 0;
    await isRefused(world, 403, await world.call('stream', 'user:maya'));
  });

  it('stops a stream when the access is revoked', async (world) => {
    const grant = await world.grant();
    const { rest } = await begun(world);
    await world.engine.revoke(grant.id, { by: 'user:sam' });
    same(await rest(), 'begun, over: ERR_JIT_DENIED', 'what the client has read');
    await world.isAtRest();
  });

  it('stops a stream while the store cannot confirm its access', async (world) => {
    await world.grant();
    const { rest } = await begun(world);
    world.store.inject('live', { fault: 'reject' });
    await world.clock.advance(5_000);
    same(await rest(), 'begun, over: ERR_JIT_STORE', 'what the client has read');
    await world.isAtRest();
  });

  it('stops each stream at its own end', async (world) => {
    const first = await world.grant('user:maya', { ttl: TTL_MS });
    const last = await world.grant('user:sam', { ttl: 2 * TTL_MS });
    const [maya, sam] = [await begun(world, 'user:maya'), await begun(world, 'user:sam')];
    await world.clock.set(first.expiresAt);
    same(await maya.rest(), 'begun, over: ERR_JIT_DENIED', 'what the first client has read');
    same(sam.stream.access.signal.aborted, false, "whether the other's signal has aborted");
    await world.clock.set(last.expiresAt);
    same(await sam.rest(), 'begun, over: ERR_JIT_DENIED', 'what the other client has read');
    await world.isAtRest();
  });
};

/** A watch ends with its response. */
const stoppedWatches: Cases = (it) => {
  it('stops the watch when the client has gone', async (world) => {
    await world.grant();
    const client = new AbortController();
    const { rest, stream } = await begun(world, 'user:maya', client.signal);
    client.abort();
    same(await nameOf(stream), 'AbortError', 'the name of the reason for which the signal has aborted');
    await rest().catch(() => undefined);
    await world.isAtRest();
  });

  it('stops the watch when the response has ended', async (world) => {
    await world.grant();
    await seen(world, await world.call('short', 'user:maya'));
    await world.isAtRest();
    same(world.handled[0]?.signal.aborted, true, 'whether the signal has aborted');
  });

  it('stops the watch when the handler fails', async (world) => {
    await world.grant();
    // The framework decides whether the client sees an error or a broken connection.
    await world
      .call('fails', 'user:maya')
      .then((response) => response.text())
      .catch(() => undefined);
    same(world.handled.length, 1, 'the number of handlers that were called');
    await world.isAtRest();
  });

  it('begins no watch for a refused request', async (world) => {
    await isRefused(world, 403, await world.call('stream', 'user:maya'));
    await isRefused(world, 401, await world.call('stream', undefined));
    same(world.clock.sleepers, 0, 'the number of sleepers');
  });
};
