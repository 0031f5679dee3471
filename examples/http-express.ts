import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { JitEngine, MemoryGrantStore } from 'jit-access';
import { createHttpHandler, toNodeHandler } from 'jit-access/http';
import { definePolicy } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';

/** The service of http-by-hand.ts, with the handler of the package. The clock is moved by hand; a service leaves it out. */
const clock = new ManualClock();
const engine = new JitEngine({
  store: new MemoryGrantStore(),
  clock,
  approver: definePolicy({
    groups: {
      developers: ['user:maya', 'user:eve'],
      platform: ['user:sam', 'user:ana'],
      security: ['user:lee'],
    },
    rules: [
      {
        id: 'prod',
        scopes: ['db-prod:*'],
        subjects: [{ group: 'developers' }],
        maxTtl: '1h',
        review: { groups: { platform: 1 } },
      },
    ],
    breakGlass: [
      {
        id: 'emergency',
        scopes: ['db-prod:*'],
        subjects: [{ group: 'developers' }],
        maxTtl: '15m',
        reviewers: ['security'],
        reviewWithin: '24h',
      },
    ],
  }),
});

/** The sessions that a login has made. */
const users = new Map(
  ['maya', 'eve', 'sam', 'lee'].map((name) => [
    `session-of-${name}`,
    `user:${name}`,
  ]),
);

const sessionOf = (request: Request) =>
  users.get(request.headers.get('x-session') ?? '');

const app = express();
const handler = createHttpHandler(engine, {
  identify: (request) => {
    const subject = sessionOf(request);
    return subject === undefined ? undefined : { subject };
  },
  // Lee is on the security team.
  may: ({ caller, action }) =>
    caller.subject === 'user:lee' &&
    ['revoke', 'revokeAll', 'lock', 'unlock'].includes(action),
  basePath: '/access',
});
app.use(toNodeHandler(handler));

async function main() {
  const server = app.listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  interface Answer {
    readonly type?: string;
    readonly outcome?: string;
    readonly badge?: { readonly text: string };
    readonly status?: string;
    readonly request?: { readonly id: string };
    readonly items?: readonly { readonly missingInWords?: string }[];
  }
  const call = async (who: string, route: string, body?: object) => {
    const [method = '', path = ''] = route.split(' ');
    const response = await fetch(
      `http://localhost:${port}/access/v1${path}`,
      {
        method,
        headers: {
          'x-session': `session-of-${who}`,
          'content-type': 'application/json',
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
    );
    return {
      http: response.status,
      ...((await response.json()) as Answer),
    };
  };
  const badgeOf = async (who: string) =>
    (await call(who, 'GET /me')).badge?.text;

  console.log('guessed session:', (await call('guessed', 'GET /me')).http);
  const asked = await call('maya', 'POST /requests', {
    scope: 'db-prod:write',
    ttl: '30m',
    justification: 'a hotfix',
  });
  const path = `/requests/${asked.request?.id}`;
  console.log('maya asks:', asked.http, asked.outcome);

  for (const who of ['maya', 'sam', 'eve', 'lee'])
    console.log(`${who} reads it:`, (await call(who, `GET ${path}`)).http);
  for (const who of ['maya', 'eve'])
    console.log(
      `${who} approves it:`,
      (await call(who, `POST ${path}/approve`, {})).type,
    );

  const { items } = await call('sam', 'GET /inbox');
  console.log(
    "sam's inbox:",
    items?.map(({ missingInWords }) => missingInWords).join(),
  );
  console.log(
    'sam approves it:',
    (
      await call('sam', `POST ${path}/approve`, {
        comment: 'she is on call',
      })
    ).outcome,
  );
  console.log(
    'too late to deny:',
    (await call('sam', `POST ${path}/deny`, {})).http,
  );

  console.log('badge:', await badgeOf('maya'));
  console.log(
    'lee revokes it:',
    (
      await call('lee', `POST /grants/${asked.request?.id}.1/revoke`, {
        reason: 'done',
      })
    ).http,
  );
  console.log('badge:', await badgeOf('maya'));
  console.log(
    'too long:',
    (
      await call('maya', 'POST /requests', {
        scope: 'db-prod:write',
        ttl: '2h',
      })
    ).type,
  );

  server.close();
  server.closeAllConnections();
}

void main();
