import type { AuditSink } from 'jit-access';
import { notify } from 'jit-access/notify';
import { webhookSink } from 'jit-access/webhook';

export type SinkKind = 'notify' | 'webhookSink';

/** A sink of that kind, of the same name in every process, which reports the id of each message that it sends. */
export const sinkOf = (kind: SinkKind, send: (id: string) => Promise<void> | void): AuditSink =>
  kind === 'notify'
    ? notify({ name: 'out', send: ({ id }) => send(id) })
    : webhookSink({
        name: 'out',
        url: 'https://hooks.example/in',
        secrets: [`whsec_${'c2VjcmV0'.repeat(5)}`],
        async fetch(_url, { headers }) {
          await send(headers['webhook-id'] ?? '');
          return { status: 204, headers: { get: () => null } };
        },
      });
