import { Hono } from 'hono';
import { JitEngine, MemoryGrantStore, reviewers } from 'jit-access';
import { createHttpHandler } from 'jit-access/http';

const engine = new JitEngine({
  store: new MemoryGrantStore(),
  approver: reviewers({ members: ['user:sam'] }),
});

/** The sessions that a login has made. */
const users = new Map([['session-of-maya', 'user:maya']]);

// service: begin
const app = new Hono();
const handler = createHttpHandler(engine, {
  identify: (request) => {
    const subject = users.get(request.headers.get('x-session') ?? '');
    return subject === undefined ? undefined : { subject };
  },
  basePath: '/access',
});
app.all(`${handler.basePath}/*`, (context) => handler(context.req.raw));
// service: end

async function main() {
  const body = JSON.stringify({ scope: 'db-prod:write', ttl: '30m' });
  const headers = {
    'x-session': 'session-of-maya',
    'content-type': 'application/json',
  };
  const asked = await app.request('http://localhost/access/v1/requests', {
    method: 'POST',
    headers,
    body,
  });
  const { outcome, reviewers: people } = (await asked.json()) as {
    outcome: string;
    reviewers: string[];
  };
  console.log(asked.status, outcome, people.join());
  const unknown = await app.request('http://localhost/access/v1/me');
  console.log('without a session:', unknown.status);
}

void main();
