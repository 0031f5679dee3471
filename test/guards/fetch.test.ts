import { accessOf, requireGrant } from 'jit-access/fetch';
import { guardContract } from 'jit-access/testing';
import { describe, it } from 'vitest';
import { bridged } from './bridge.js';
import { bodyOf } from './serving.js';

guardContract(
  { describe, it },
  {
    name: 'fetch',
    serve(routes) {
      const idOf = (request: Request) => decodeURIComponent(new URL(request.url).pathname.split('/')[2] as string);
      const handlers = new Map(
        routes.map(({ name, engine, choices, subject, scope, answer }) => {
          const options = {
            ...choices,
            subject: (request: Request) => subject(request.headers.get('session') ?? undefined),
            scope: typeof scope === 'string' ? scope : (request: Request) => scope(idOf(request)),
          };
          const handler = (request: Request) => new Response(bodyOf(answer(accessOf(request))));
          return [name, requireGrant(engine, options, handler)];
        }),
      );
      return bridged(async (request) => {
        const [, name = ''] = new URL(request.url).pathname.split('/');
        return (await handlers.get(name)?.(request)) ?? new Response(null, { status: 404 });
      });
    },
  },
);
