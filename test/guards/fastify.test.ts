import { Readable } from 'node:stream';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { jitAccess } from 'jit-access/fastify';
import { guardContract, type GuardedRoute } from 'jit-access/testing';
import { describe, it } from 'vitest';
import { at } from './serving.js';

guardContract(
  { describe, it },
  {
    name: 'Fastify',
    answersEarly: true,
    async serve(routes) {
      const app = Fastify({ forceCloseConnections: true });
      const { engine, subject } = routes[0] as GuardedRoute;
      await app.register(jitAccess, { engine, subject: (request) => subject(request.headers.session as string | undefined) });
      for (const { name, scope, choices, answer, answered } of routes) {
        const onRequest = async (_request: FastifyRequest, reply: FastifyReply) => {
          void answered?.then(() => reply.code(503).send());
        };
        const need = typeof scope === 'string' ? scope : (request: FastifyRequest) => scope((request.params as { id: string }).id);
        app.get(`/${name}/:id`, { onRequest, preHandler: app.requireGrant(need, choices) }, (request, reply) =>
          reply.send(Readable.from(answer(request.access), { objectMode: false })),
        );
      }
      return at(await app.listen({ port: 0, host: '127.0.0.1' }), () => app.close());
    },
  },
);
