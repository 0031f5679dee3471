import { verifyWebhook } from 'jit-access/webhook';
import { ManualClock, START_AT } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { SECRET } from './receiver.js';

const MINUTE = 60_000;

/** The reason for which a webhook with this timestamp and an invalid signature is refused. */
function why(at: number, body: string | Uint8Array = '{}'): unknown {
  const headers = { 'webhook-id': 'c1.1', 'webhook-timestamp': String(at / 1_000), 'webhook-signature': 'v1,AAAA' };
  try {
    return verifyWebhook({ body, headers, secrets: [SECRET], clock: new ManualClock() });
  } catch (error) {
    return (error as { why?: unknown }).why;
  }
}

describe('verifyWebhook()', () => {
  it('checks the timestamp before it hashes the body: an old webhook is stale with any signature [F12]', () => {
    expect(why(START_AT - 6 * MINUTE)).toBe('stale');
    expect(why(START_AT + 6 * MINUTE)).toBe('stale');
    expect(why(0, new Uint8Array([0xff]))).toBe('stale');
  });

  it('reports a wrong signature for a recent webhook', () => {
    expect(why(START_AT - 4 * MINUTE)).toBe('signature');
  });
});
