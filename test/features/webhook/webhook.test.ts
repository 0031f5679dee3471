import { afterEach, describe, expect, it, vi } from 'vitest';
import { webhookSink, type WebhookSinkOptions } from '../../../src/features/webhook/webhook.js';
import { WebhookError } from '../../../src/features/webhook/errors.js';
import { ManualClock, START_AT } from '../../../src/testing.js';
import { untilAsleep } from '../../engine/until-asleep.js';
import { journalOf, unlinked } from '../../journal/sample.js';
import { link, GENESIS } from '../../../src/journal/link.js';
import { newSecret, Receiver, reply, SECRET, signatureByNode } from './receiver.js';

const URL_WITH_SECRETS = 'https://hooks.example/a-secret-path?token=hush';
const CONTEXT = { request: () => Promise.resolve(undefined) };

function aSink(options: Partial<WebhookSinkOptions> = {}) {
  const receiver = new Receiver();
  const clock = (options.clock ?? new ManualClock()) as ManualClock;
  const { fetch } = receiver;
  const sink = webhookSink({ name: 'siem', url: URL_WITH_SECRETS, secrets: [SECRET], fetch, ...options, clock });
  const write = async (entries: ReturnType<typeof journalOf>) => sink.write(entries, CONTEXT);
  return { sink, receiver, clock, write };
}

const failure = async (work: Promise<unknown>): Promise<WebhookError> => {
  const error: unknown = await work.then(
    () => new Error('expected a WebhookError, but it resolved'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof WebhookError)) throw error;
  expect(error.message).not.toMatch(/secret|hush|whsec|token/);
  expect(error.cause).toBeUndefined();
  return error;
};

afterEach(() => vi.unstubAllGlobals());

describe('webhookSink()', () => {
  describe('posts', () => {
    it('each entry, in order, in the form of the specification', async () => {
      const { receiver, write } = aSink();
      const entries = journalOf(3);
      await write(entries);
      expect(receiver.ids).toEqual(entries.map((entry) => entry.id));
      const { url, init } = receiver.calls[0] as (typeof receiver.calls)[number];
      expect(url).toBe(URL_WITH_SECRETS);
      expect(init).toMatchObject({ method: 'POST', redirect: 'manual' });
      expect(init.headers['content-type']).toBe('application/json');
      expect(JSON.parse(init.body)).toEqual({
        type: 'grant.issued',
        timestamp: '2026-03-14T02:16:08.000Z',
        data: {
          namespace: 'default',
          id: 'c1.1',
          seq: 1,
          at: entries[0]?.at,
          actor: 'user:sam',
          requestId: 'r1',
          grantId: 'r1.1',
          data: entries[0]?.data,
        },
      });
    });

    it("a signature by each secret over id, whole seconds and body, equal to Node's", async () => {
      const secrets = [newSecret(24), newSecret(64)];
      const { receiver, clock, write } = aSink({ secrets });
      await clock.set(START_AT + 1_999);
      await write(journalOf(1));
      const { headers, body } = (receiver.calls[0] as (typeof receiver.calls)[number]).init;
      const seconds = String(START_AT / 1_000 + 1);
      expect(headers['webhook-timestamp']).toBe(seconds);
      expect(headers['webhook-signature']).toBe(secrets.map((secret) => signatureByNode(secret, 'c1.1', seconds, body)).join(' '));
    });

    it('only the selected types', async () => {
      const { receiver, write } = aSink({ types: ['grant.revoked'] });
      const entries = link(GENESIS, [unlinked(1), unlinked(2, { type: 'grant.revoked' }), unlinked(3)]);
      await write(entries);
      expect(receiver.ids).toEqual(['c2.1']);
    });

    it("by the runtime's fetch, read at the call", async () => {
      const { sink } = aSink({ fetch: undefined });
      const { fetch, calls } = new Receiver();
      vi.stubGlobal('fetch', fetch);
      await sink.write(journalOf(1), CONTEXT);
      expect(calls).toHaveLength(1);
    });

    it('nothing for no entries', async () => {
      const { receiver, write } = aSink();
      await write([]);
      expect(receiver.calls).toEqual([]);
    });

    it('and cancels the response body', async () => {
      const { receiver, write } = aSink();
      const cancel = vi.fn(() => Promise.reject(new Error('locked')));
      receiver.answers.push({ ...reply(200), body: { cancel } });
      await write(journalOf(1));
      await vi.waitFor(() => expect(cancel).toHaveBeenCalledOnce(), 120_000);
    });
  });

  describe('repeats', () => {
    it('L28 an entry until it is accepted, with the same id and body and a new timestamp, then the next entry', async () => {
      const { receiver, clock, write } = aSink();
      const entries = journalOf(3);
      receiver.answers.push(200, 500);
      await failure(write(entries));
      await clock.advance('5s');
      // A store may return the fields in another order.
      const again = entries.map((entry) => ({ ...entry, data: Object.fromEntries(Object.entries(entry.data).reverse()) }));
      await write(again);
      expect(receiver.ids).toEqual(['c1.1', 'c2.1', 'c2.1', 'c3.1']);
      const [, first, second] = receiver.calls.map(({ init }) => init);
      expect(second?.body).toBe(first?.body);
      expect(Number(second?.headers['webhook-timestamp'])).toBe(Number(first?.headers['webhook-timestamp']) + 5);
      expect(second?.headers['webhook-signature']).not.toBe(first?.headers['webhook-signature']);
    });

    it.each([201, 204, 299])('no entry that was answered with %i', async (status) => {
      const { receiver, write } = aSink();
      receiver.answers.push(status);
      await write(journalOf(1));
      await write(journalOf(1));
      expect(receiver.calls).toHaveLength(1);
    });

    it.each([100, 199, 400, 404, 429, 500, 502, 503, 504, 600])(
      'an entry that was answered with %i, and names the status',
      async (status) => {
        const { receiver, write } = aSink();
        receiver.answers.push(status);
        const error = await failure(write(journalOf(1)));
        expect(error).toMatchObject({ name: 'WebhookError', why: 'status', status, retryAt: undefined });
        expect(error.message).toBe(
          `webhook siem (https://hooks.example) answered ${status} to entry "c1.1" ("grant.issued", seq 1); the sink retries it`,
        );
        await write(journalOf(1));
        expect(receiver.calls).toHaveLength(2);
      },
    );

    it.each([401, 403])('an entry that was answered with %i, and suggests to check the secret', async (status) => {
      const { receiver, write } = aSink();
      receiver.answers.push(status);
      expect((await failure(write(journalOf(1)))).message).toBe(
        `webhook siem (https://hooks.example) answered ${status} (does the receiver have the signing key?) to entry "c1.1" ("grant.issued", seq 1); the sink retries it`,
      );
    });

    it.each([0, 301, 302, 307, 308])('an entry that was answered with a redirect (%i), and follows none', async (status) => {
      const { receiver, write } = aSink();
      receiver.answers.push(reply(status, { location: 'https://169.254.169.254/secret' }));
      expect(await failure(write(journalOf(1)))).toMatchObject({ why: 'redirect', status });
      expect(receiver.calls).toHaveLength(1);
    });

    it('an entry that could not be sent, and reports only the code of the failure', async () => {
      const { receiver, write } = aSink();
      const cause = Object.assign(new Error(`connect ${URL_WITH_SECRETS}`), { code: 'ECONNREFUSED' });
      const named = Object.assign(new Error('whsec_'), { code: `bad ${SECRET}` });
      receiver.answers.push(new TypeError(`fetch failed: ${URL_WITH_SECRETS}`, { cause }), named, null as never);
      expect((await failure(write(journalOf(1)))).message).toBe(
        'webhook siem (https://hooks.example) could not be reached (ECONNREFUSED) for entry "c1.1" ("grant.issued", seq 1); the sink retries it',
      );
      expect((await failure(write(journalOf(1)))).message).toContain('(Error)');
    });

    it.each([[undefined], [null], ['whsec_secret'], [{ code: 5, name: 'whsec_ secret' }]])(
      'an entry after fetch failed with %o',
      async (thrown) => {
        const { write } = aSink({ fetch: () => Promise.reject(thrown) });
        expect(await failure(write(journalOf(1)))).toMatchObject({ why: 'unreachable', status: undefined });
      },
    );

    it('an entry after an invalid response of fetch', async () => {
      const { write } = aSink({ fetch: (() => undefined) as never });
      expect((await failure(write(journalOf(1)))).message).toContain('could not be reached (TypeError)');
    });

    it('an entry after a timeout, and aborts the call', async () => {
      const { receiver, clock, write } = aSink({ timeout: '3s' });
      receiver.answers.push('hang');
      const writing = failure(write(journalOf(1)));
      await untilAsleep(clock);
      await clock.advance(2_999);
      expect(receiver.calls[0]?.init.signal.aborted).toBe(false);
      await clock.advance(1);
      expect((await writing).message).toMatch(/did not answer within 3000 ms to entry "c1.1"/);
      expect(receiver.calls[0]?.init.signal.aborted).toBe(true);
      expect(clock.sleepers).toBe(0);
    });
  });

  it("stops before the write's time limit, and continues with the next write", async () => {
    const { receiver, clock, write } = aSink({ timeout: '10s' });
    receiver.during = () => clock.set(clock.now() + 5_000);
    const entries = journalOf(6);
    // The fourth call starts at 15 s, and may take until 25 s.
    const error = await failure(write(entries));
    expect(error).toMatchObject({ why: 'unfinished' });
    expect(error.message).toContain('entry "c5.1"');
    await write(entries);
    expect(receiver.ids).toEqual(entries.map(({ id }) => id));
  });

  describe('Retry-After', () => {
    const SOON = new Date(START_AT + 120_000).toUTCString();

    it.each([
      [429, '120'],
      [503, '120'],
      [503, SOON],
      [503, 'Thursday, 01-Jan-26 00:02:00 GMT'],
      [503, 'Thu Jan  1 00:02:00 2026'],
    ])('of a %i (%s) is respected: no call before that time, and a call after it', async (status, header) => {
      const { receiver, clock, write } = aSink();
      receiver.answers.push(reply(status, { 'retry-after': header }));
      const error = await failure(write(journalOf(2)));
      expect(error).toMatchObject({ why: 'status', status, retryAt: START_AT + 120_000 });
      expect(error.message).toContain('not before 2026-01-01T00:02:00.000Z');
      await clock.advance(119_999);
      expect(await failure(write(journalOf(2)))).toMatchObject({ why: 'waiting', status, retryAt: START_AT + 120_000 });
      expect(receiver.calls).toHaveLength(1);
      await clock.advance(1);
      await write(journalOf(2));
      expect(receiver.ids).toEqual(['c1.1', 'c1.1', 'c2.1']);
    });

    it.each([
      ['of another status', 500, '120'],
      ['that is not a time', 503, 'soon'],
      ['that is empty', 503, ''],
      ['that is 0', 503, '0'],
      ['that is negative', 503, '-5'],
      ['that is another form of a date', 503, '2026-01-01T00:02:00Z'],
      ['that is a date of another zone', 503, 'Thu, 01 Jan 2026 00:02:00 +0000'],
      ['that is no date of a calendar', 503, 'Thu, 01 Foo 2026 00:02:00 GMT'],
      ['that is a fraction', 503, '1.5'],
      ['that is a power', 503, '1e3'],
      ['that has passed', 503, new Date(START_AT - 1_000).toUTCString()],
    ])('%s delays no call', async (_, status, header) => {
      const { receiver, write } = aSink();
      receiver.answers.push(reply(status, { 'retry-after': header }));
      expect((await failure(write(journalOf(1)))).retryAt).toBeUndefined();
      await write(journalOf(1));
      expect(receiver.calls).toHaveLength(2);
    });

    it('is respected for a day at most', async () => {
      const { receiver, clock, write } = aSink();
      receiver.answers.push(reply(503, { 'retry-after': '999999999' }));
      expect((await failure(write(journalOf(1)))).retryAt).toBe(START_AT + 86_400_000);
      await clock.advance('1d');
      await write(journalOf(1));
    });

    it('is dropped when the clock was set back after the longest wait began', async () => {
      const { receiver, clock, write } = aSink();
      receiver.answers.push(reply(503, { 'retry-after': '86400' }));
      await failure(write(journalOf(1)));
      await clock.set(START_AT - 1);
      await write(journalOf(1));
      expect(receiver.calls).toHaveLength(2);
    });
  });

  it('reports with advice that a receiver is gone, and calls it again only after an hour', async () => {
    const { receiver, clock, write } = aSink();
    receiver.answers.push(410);
    const error = await failure(write(journalOf(1)));
    expect(error).toMatchObject({ why: 'gone', status: 410, retryAt: START_AT + 3_600_000 });
    expect(error.message).toContain("removeSink(engine, 'siem')");
    await clock.advance(3_599_999);
    expect(await failure(write(journalOf(1)))).toMatchObject({ why: 'gone', status: 410, message: error.message });
    expect(receiver.calls).toHaveLength(1);
    await clock.advance(1);
    await write(journalOf(1));
  });

  it('is refused when the clock gives no valid instant', async () => {
    const { sink, receiver } = aSink({ clock: { now: () => NaN } });
    await expect(sink.write(journalOf(1), CONTEXT)).rejects.toMatchObject({ code: 'ERR_JIT_CLOCK' });
    expect(receiver.calls).toEqual([]);
  });

  describe('options', () => {
    const make = (over: object) => () => webhookSink({ name: 'siem', url: URL_WITH_SECRETS, secrets: [SECRET], ...over });

    it.each([
      'https://hooks.example',
      'https://hooks.example:8443/x?y#z',
      'http://localhost:3000/',
      'http://127.0.0.1',
      'http://[::1]:8080/a',
    ])('are accepted for %s, and make a frozen shared follower', (url) => {
      const sink = make({ url })();
      expect(sink).toMatchObject({ name: 'siem', follow: 'shared' });
      expect(Object.isFrozen(sink)).toBe(true);
    });

    it.each<[string, object, string]>([
      ['no name', { name: undefined }, 'name'],
      ['a name with a line break', { name: 'a\nb' }, 'name'],
      ['no url', { url: undefined }, 'url'],
      ['an invalid url', { url: 'hooks.example/hush' }, 'url'],
      ['a URL object', { url: new URL('https://hooks.example') }, 'url'],
      ['http to another machine', { url: 'http://hooks.example/?hush' }, 'url'],
      ['http to a name that starts with localhost', { url: 'http://localhost.example/' }, 'url'],
      ['http to an address next to the loopback', { url: 'http://0.0.0.0/' }, 'url'],
      ['another scheme', { url: 'ftp://hooks.example/hush' }, 'url'],
      ['a javascript: url', { url: 'javascript:hush()' }, 'url'],
      ['a user in the url', { url: 'https://hush@hooks.example/' }, 'url'],
      ['a password in the url', { url: 'https://:hush@hooks.example/' }, 'url'],
      ['no secrets', { secrets: undefined }, 'secrets'],
      ['an empty list of secrets', { secrets: [] }, 'secrets'],
      ['a secret outside a list', { secrets: SECRET }, 'secrets'],
      ['eleven secrets', { secrets: Array.from({ length: 11 }, () => SECRET) }, 'secrets'],
      ['a secret without its prefix', { secrets: [SECRET.slice(6)] }, 'secrets[0]'],
      ['a secret of 23 bytes', { secrets: [SECRET, newSecret(23)] }, 'secrets[1]'],
      ['a secret of 65 bytes', { secrets: [newSecret(65)] }, 'secrets[0]'],
      ['a secret that is not base64', { secrets: ['whsec_hush hush hush hush hush hush hush hush'] }, 'secrets[0]'],
      ['a secret that is not a string', { secrets: [new Uint8Array(32)] }, 'secrets[0]'],
      ['a misspelt type', { types: ['grant.isued'] }, 'types[0]'],
      ['a type named like a property of Object.prototype', { types: ['constructor'] }, 'types[0]'],
      ['an empty list of types', { types: [] }, 'types'],
      ['a fetch that is not a function', { fetch: {} }, 'fetch'],
      ['null as fetch', { fetch: null }, 'fetch'],
      ['a timeout of zero', { timeout: 0 }, 'timeout'],
      ['a timeout over 20 seconds', { timeout: 20_001 }, 'timeout'],
      ['a clock without now', { clock: {} }, 'clock'],
      ['null as the clock', { clock: null }, 'clock'],
      ['an unknown option', { secret: SECRET }, 'options'],
    ])('are refused with %s', (_, over, argument) => {
      let error: unknown;
      try {
        make(over)();
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT', argument });
      expect((error as Error).message).not.toMatch(/hush|MDEyMzQ1/);
    });
  });
});
