import { JitEngine, autoApprove } from 'jit-access';
import { fromNodeRedis, redisGrantStore } from 'jit-access/redis';
import { createClient } from 'redis';

/*
 * A process that grants and revokes until it is killed, and says what it was told. `killed.test.ts` starts it.
 *
 *   worker.ts <url> <namespace> <name>
 */
const [url = '', namespace = '', name = ''] = process.argv.slice(2);

async function main() {
  const client = createClient({ url });
  client.on('error', () => undefined);
  await client.connect();
  const engine = new JitEngine({ store: redisGrantStore({ client: fromNodeRedis(client), namespace }), approver: autoApprove(() => true) });
  for (let i = 0; ; i++) {
    const asked = await engine.requestAccess({ subject: `user:${name}-${i}`, scopes: ['a:x', 'a:y'], ttl: '15m' });
    console.log(`granted ${asked.request.id}`);
    if (i % 2 === 1) continue;
    await engine.revokeAll({ subject: `user:${name}-${i}` }, { by: 'user:sam', reason: 'done' });
    console.log(`revoked ${asked.request.id}`);
  }
}

void main();
