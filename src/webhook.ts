export { webhookSink, type WebhookSinkOptions } from './features/webhook/webhook.js';
export { WebhookError } from './features/webhook/errors.js';
export type { WebhookCall, WebhookFetch, WebhookReply } from './features/webhook/sender.js';
export {
  verifyWebhook,
  type WebhookEntry,
  type WebhookPayload,
  type WebhookToVerify,
  type WithheldWebhookEntry,
} from './features/webhook/verify.js';
