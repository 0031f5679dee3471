import { describe, expectTypeOf, it } from 'vitest';
import type { EntryType } from '../../../src/index.js';
import type { WebhookFetch, WebhookSinkOptions, WebhookToVerify } from '../../../src/webhook.js';
import type { IncomingHttpHeaders } from 'node:http';

describe('the types of webhooks', () => {
  it("accept the runtime's fetch, its headers, and those of node:http", () => {
    expectTypeOf<typeof globalThis.fetch>().toExtend<WebhookFetch>();
    expectTypeOf<Headers>().toExtend<WebhookToVerify['headers']>();
    expectTypeOf<IncomingHttpHeaders>().toExtend<WebhookToVerify['headers']>();
    expectTypeOf<Buffer>().toExtend<WebhookToVerify['body']>();
  });

  it('list the entry types', () => {
    expectTypeOf<NonNullable<WebhookSinkOptions['types']>[number]>().toEqualTypeOf<EntryType>();
  });
});
