import { createHmac, randomBytes } from 'node:crypto';
import type { WebhookCall, WebhookReply } from '../../../src/features/webhook/sender.js';

export const SECRET = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;
export const newSecret = (bytes = 32): string => `whsec_${randomBytes(bytes).toString('base64')}`;

/** Signed by Node, independently of the library. */
export function signatureByNode(secret: string, id: string, seconds: string, body: string): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
}

type Answer = number | Error | 'hang' | (WebhookReply & { readonly status: number });

/** Replaces `fetch`: gives one scripted answer a call, and 204 when none is left. */
export class Receiver {
  readonly calls: { readonly url: string; readonly init: WebhookCall }[] = [];
  readonly answers: Answer[] = [];
  /** Runs while a call is in flight. */
  during: () => unknown = () => undefined;

  readonly fetch = async (url: string, init: WebhookCall): Promise<WebhookReply> => {
    this.calls.push({ url, init });
    const answer = this.answers.shift() ?? 204;
    await this.during();
    if (answer === 'hang') return new Promise<never>(() => {});
    if (answer instanceof Error) throw answer;
    return typeof answer === 'number' ? reply(answer) : answer;
  };

  get ids(): readonly string[] {
    return this.calls.map(({ init }) => init.headers['webhook-id'] as string);
  }
}

export const reply = (status: number, headers: Readonly<Record<string, string>> = {}): WebhookReply => ({
  status,
  headers: new Headers(headers),
});
