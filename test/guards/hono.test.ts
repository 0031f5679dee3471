import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { requireGrant } from 'jit-access/hono';
import { guardContract, type GuardedRoute } from 'jit-access/testing';
import { describe, it } from 'vitest';
import { bodyOf, overSocket } from './serving.js';

guardContract(
  { describe, it },
  {
    name: 'Hono',
    serve(routes) {
      const app = new Hono();
      app.onError((_error, c) => c.text('failed', 500));
      for (const route of routes) {
        app.get(`/${route.name}/:id`, requireGrant(route.engine, optionsOf(route)), (c) => c.body(bodyOf(route.answer(c.var.access))));
      }
      return overSocket(createAdaptorServer({ fetch: app.fetch }) as Server);
    },
  },
);

function optionsOf({ choices, subject, scope }: GuardedRoute) {
  return {
    ...choices,
    subject: (c: Context) => subject(c.req.header('session')),
    scope: typeof scope === 'string' ? scope : (c: Context) => scope(c.req.param('id') as string),
  };
}
