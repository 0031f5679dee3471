import { JitEngine, reviewers } from 'jit-access';
import { fromNodeRedis, redisGrantStore } from 'jit-access/redis';
import { createClient } from 'redis';

/** What every process of the service does when it starts. */
async function start(url: string) {
  const client = createClient({ url });
  // Without a listener the first lost connection would end the process.
  client.on('error', (error: Error) => console.error(error.message));
  await client.connect();
  const store = redisGrantStore({
    client: fromNodeRedis(client),
    namespace: 'payments',
  });
  const engine = new JitEngine({
    store,
    approver: reviewers({ members: ['user:maya', 'user:sam'] }),
  });
  const stop = async () => {
    await engine.close();
    client.destroy();
  };
  return { engine, stop };
}

async function main() {
  const url = process.env['REDIS_URL'];
  if (url === undefined) {
    console.log(
      'set REDIS_URL to a Redis whose maxmemory-policy is noeviction',
    );
    return;
  }
  // Two, as in two processes: they share only the server.
  const [one, other] = [await start(url), await start(url)];

  const asked = await one.engine.requestAccess({
    subject: 'user:maya',
    scope: 'db-prod:write',
    ttl: '15m',
    justification: 'order 1138',
  });
  await other.engine.approve(asked.request.id, { by: 'user:sam' });
  console.log(await one.engine.isAllowed('user:maya', 'db-prod:write')); // true

  await one.engine.revokeAll(
    { subject: 'user:maya' },
    { by: 'user:sam', reason: 'done' },
  );
  console.log(await other.engine.isAllowed('user:maya', 'db-prod:write')); // false, from the moment that revokeAll has resolved

  await Promise.all([one.stop(), other.stop()]);
}

void main();
