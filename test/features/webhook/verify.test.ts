import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { webhookSink } from '../../../src/features/webhook/webhook.js';
import { WebhookError } from '../../../src/features/webhook/errors.js';
import { readSecrets, signatureOf } from '../../../src/features/webhook/signature.js';
import { verifyWebhook, type WebhookToVerify } from '../../../src/features/webhook/verify.js';
import { ManualClock, START_AT } from '../../../src/testing.js';
import { journalOf } from '../../journal/sample.js';
import { newSecret, Receiver, SECRET, signatureByNode } from './receiver.js';

/** The example of the reference libraries of standardwebhooks.com. */
const VECTOR = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  seconds: '1614265330',
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};
const NOW = String(START_AT / 1_000);
const BODY = '{"type":"grant.issued"}';

const keyOf = (secret: string) => readSecrets('secrets', [secret])[0] as Uint8Array;

/** A webhook as it arrives, signed by Node. */
function aWebhook(over: Partial<{ id: string; seconds: string; body: string; secret: string; signature: string }> = {}): WebhookToVerify {
  const { id = 'c1.1', seconds = NOW, body = BODY, secret = SECRET } = over;
  const signature = over.signature ?? signatureByNode(secret, id, seconds, body);
  const headers = { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signature };
  return { body, headers, secrets: [SECRET], clock: new ManualClock() };
}

function refusal(webhook: WebhookToVerify): WebhookError {
  try {
    verifyWebhook(webhook);
  } catch (error) {
    if (error instanceof WebhookError) return error;
    throw error;
  }
  throw new Error('expected a WebhookError');
}

describe('a signature', () => {
  it("equals the specification's example", () => {
    const { secret, id, seconds, body, signature } = VECTOR;
    expect(signatureOf(keyOf(secret), id, seconds, body)).toBe(signature);
    expect(signatureByNode(secret, id, seconds, body)).toBe(signature);
  });

  it('equals the signature that Node makes over any key, id and body', () => {
    const bytes = fc.uint8Array({ minLength: 24, maxLength: 64 });
    fc.assert(
      fc.property(bytes, fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (key, id, body) => {
        const secret = `whsec_${Buffer.from(key).toString('base64')}`;
        expect(signatureOf(keyOf(secret), id, NOW, body)).toBe(signatureByNode(secret, id, NOW, body));
      }),
    );
  });
});

describe('verifyWebhook()', () => {
  it('accepts what webhookSink sends, with headers of every kind', async () => {
    const { fetch, calls } = new Receiver();
    const clock = new ManualClock();
    const url = 'https://hooks.example/';
    await webhookSink({ name: 'siem', url, secrets: [newSecret(), SECRET], fetch, clock }).write(journalOf(1), {
      request: () => Promise.resolve(undefined),
    });
    const { body, headers } = (calls[0] as (typeof calls)[number]).init;
    for (const sent of [headers, new Headers(headers)]) {
      for (const text of [body, new TextEncoder().encode(body), Buffer.from(body)]) {
        const { id, payload } = verifyWebhook({ body: text, headers: sent, secrets: [newSecret(), SECRET], clock });
        expect(id).toBe('c1.1');
        expect(payload).toMatchObject({ type: 'grant.issued', data: { id: 'c1.1', seq: 1, grantId: 'r1.1' } });
      }
    }
  });

  it('accepts the example of the specification', () => {
    const { secret, signature, ...sent } = VECTOR;
    const clock = new ManualClock(Number(sent.seconds) * 1_000);
    expect(verifyWebhook({ ...aWebhook({ ...sent, signature }), secrets: [secret], clock })).toEqual({
      id: sent.id,
      payload: { test: 2432232314 },
    });
  });

  it('finds the signature among those of other keys and other schemes', () => {
    const good = signatureByNode(SECRET, 'c1.1', NOW, BODY);
    const signature = `v1a,${good.slice(3)} v1, ${signatureByNode(newSecret(), 'c1.1', NOW, BODY)} ${good} v2,x`;
    expect(verifyWebhook(aWebhook({ signature })).id).toBe('c1.1');
  });

  it.each([
    ['another secret', aWebhook({ secret: newSecret() })],
    ['another id', { ...aWebhook(), headers: { ...aWebhook().headers, 'webhook-id': 'c1.2' } }],
    ['another timestamp', { ...aWebhook(), headers: { ...aWebhook().headers, 'webhook-timestamp': String(Number(NOW) + 1) } }],
    ['another body', { ...aWebhook(), body: `${BODY} ` }],
    ['a byte order mark before the body', { ...aWebhook(), body: Buffer.from(`\ufeff${BODY}`) }],
    ['a part of the signature', aWebhook({ signature: signatureByNode(SECRET, 'c1.1', NOW, BODY).slice(0, 20) })],
    ['another scheme', aWebhook({ signature: signatureByNode(SECRET, 'c1.1', NOW, BODY).replace('v1', 'v1a') })],
    ['no signature after the scheme', aWebhook({ signature: 'v1,' })],
  ])('refuses %s', (_, webhook) => {
    expect(refusal(webhook)).toMatchObject({ why: 'signature', status: undefined });
  });

  it.each([
    [-300_000, true],
    [-300_001, false],
    [300_000, true],
    [300_001, false],
  ])('accepts a timestamp %i ms ahead of the clock: %s', async (ms, isAccepted) => {
    const clock = new ManualClock(START_AT - ms);
    const webhook = { ...aWebhook(), clock };
    if (isAccepted) expect(verifyWebhook(webhook).id).toBe('c1.1');
    else expect(refusal(webhook).why).toBe('stale');
  });

  it('accepts another tolerance', () => {
    const webhook = { ...aWebhook(), clock: new ManualClock(START_AT + 2_000) };
    expect(verifyWebhook({ ...webhook, tolerance: '2s' }).id).toBe('c1.1');
    expect(refusal({ ...webhook, tolerance: '1s999ms' })).toMatchObject({ why: 'stale' });
  });

  it('uses the system clock by default', () => {
    expect(refusal({ ...aWebhook({ seconds: '1614265330' }), clock: undefined }).why).toBe('stale');
  });

  const headers = aWebhook().headers as Readonly<Record<string, string>>;
  it.each<[string, object]>([
    ['no headers', { headers: undefined }],
    ['null as headers', { headers: null }],
    ['headers without an own property', { headers: {} }],
    ['no id', { headers: { ...headers, 'webhook-id': undefined } }],
    ['an empty id', { headers: { ...headers, 'webhook-id': '' } }],
    ['two ids', { headers: { ...headers, 'webhook-id': ['c1.1', 'c1.2'] } }],
    ['no signature', { headers: new Headers({ 'webhook-id': 'c1.1', 'webhook-timestamp': NOW }) }],
    ['no timestamp', { headers: { ...headers, 'webhook-timestamp': undefined } }],
    ...['', '-1', '1.5', '1e9', ' 1', '0x10', '1'.repeat(13), 'NaN'].map((seconds): [string, object] => [
      `the timestamp ${JSON.stringify(seconds)}`,
      { headers: { ...headers, 'webhook-timestamp': seconds } },
    ]),
    ['bytes that are not UTF-8', { body: Uint8Array.from([0x7b, 0xff, 0x7d]) }],
  ])('rejects %s as an invalid webhook', (_, over) => {
    expect(refusal({ ...aWebhook(), ...over }).why).toBe('malformed');
  });

  it.each<[string, unknown]>([
    ['no body', undefined],
    ['a parsed body', JSON.parse(BODY) as object],
  ])('throws a TypeError for %s, as a mistake in the receiver', (_, body) => {
    const webhook = { ...aWebhook(), body } as Parameters<typeof verifyWebhook>[0];
    expect(() => verifyWebhook(webhook)).toThrow(/^body must be the raw text or bytes as received, not a parsed body; got /);
  });

  it('names the missing header, and accepts header names in any case', () => {
    const upper = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));
    expect(verifyWebhook({ ...aWebhook(), headers: upper }).id).toBe('c1.1');
    const { 'webhook-signature': _signature, ...unsigned } = headers;
    expect(refusal({ ...aWebhook(), headers: unsigned }).message).toBe('invalid webhook: the header webhook-signature is missing');
  });

  it.each<[string, unknown, string]>([
    ['undefined', undefined, 'undefined: is the environment variable set?'],
    ['an empty text', '', 'an empty string: is the environment variable set?'],
    ['text without its prefix', 'hunter2', 'a string without whsec_'],
    ['no base64', 'whsec_hunter2!', 'whsec_ and invalid base64'],
    ['a number', 5, 'not a string'],
  ])('refuses a secret that is %s with the reason, without showing it', (_, secret, got) => {
    const webhook = { ...aWebhook(), secrets: [secret] } as Parameters<typeof verifyWebhook>[0];
    expect(() => verifyWebhook(webhook)).toThrow(`secrets[0] must be whsec_ followed by 24-64 random bytes in base64; got ${got}`);
  });

  it('refuses a signed body that is not JSON', () => {
    expect(refusal(aWebhook({ body: 'hello' })).message).toBe('invalid webhook: the body is not JSON');
  });

  it.each<[string, object, string]>([
    ['no secrets', { secrets: [] }, 'secrets'],
    ['one secret outside a list', { secrets: SECRET }, 'secrets'],
    ['a tolerance of 0', { tolerance: 0 }, 'tolerance'],
    ['an invalid clock', { clock: 5 }, 'clock'],
    ['an unknown option', { secret: SECRET }, 'options'],
  ])('refuses %s as an argument', (_, over, argument) => {
    expect(() => verifyWebhook({ ...aWebhook(), ...over })).toThrow(
      expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument }) as Error,
    );
  });
});
