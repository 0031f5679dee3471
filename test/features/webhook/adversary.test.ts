import { describe, expect, it } from 'vitest';
import { autoApprove, JitEngine, MemoryGrantStore } from '../../../src/index.js';
import { webhookSink, WebhookError } from '../../../src/webhook.js';
import { ManualClock, START_AT } from '../../../src/testing.js';
import { settled } from '../../journal/bent-store.js';

const MIN = 60_000;

describe('webhookSink', () => {
  const secrets = [`whsec_${btoa('0123456789abcdef0123456789abcdef')}`];
  const context = { request: () => Promise.resolve(undefined) };

  async function errorOf(fetch: () => unknown): Promise<unknown> {
    const store = new MemoryGrantStore();
    const clock = new ManualClock();
    const engine = new JitEngine({ approver: autoApprove(() => true), store, clock });
    await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    const sink = webhookSink({ name: 'siem', url: 'https://siem.example/s3cret', secrets, fetch: fetch as never, clock });
    const { entries } = await store.journal({ after: 0, limit: 10 });
    return settled(Promise.resolve(sink.write(entries, context)));
  }

  it('wrong error type: a 503 from a fetch that returns no headers is a WebhookError', async () => {
    expect(await errorOf(async () => ({ status: 503 }))).toBeInstanceOf(WebhookError);
  });

  it.each(['200', '2e2', [204]])('fail closed: a status that is not a number (%s) does not count as accepted', async (status) => {
    expect(await errorOf(async () => ({ status, headers: new Headers() }))).toBeInstanceOf(WebhookError);
  });

  it('misleading: the error never gives undefined as the reason of a failed fetch', async () => {
    const error = await errorOf(() => Promise.reject({ reason: 'odd' }));
    expect(String(error)).not.toContain('undefined');
  });

  it('guarantee of webhookSink: an error contains only the origin of the URL, for any error of the reply', async () => {
    const headers = {
      get: () => {
        throw new Error('headers of https://siem.example/s3cret are gone');
      },
    };
    expect(String(await errorOf(async () => ({ status: 503, headers })))).not.toContain('s3cret');
  });

  it('guarantee of webhookSink: waits for Retry-After, up to a day, also where it has ten digits', async () => {
    const error = await errorOf(async () => ({ status: 503, headers: new Headers({ 'retry-after': '9999999999' }) }));
    expect(error).toMatchObject({ why: 'status', retryAt: START_AT + 24 * 60 * MIN });
  });
});
