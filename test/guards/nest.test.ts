import 'reflect-metadata';
import type { Server, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { Controller, Get, Module, StreamableFile, type ExecutionContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Request } from 'express';
import { CurrentAccess, JitAccessModule, RequireGrant, type Access } from 'jit-access/nest';
import { guardContract, type GuardedRoute } from 'jit-access/testing';
import { describe, it } from 'vitest';
import { overSocket } from './serving.js';

const requestOf = (context: ExecutionContext) => context.switchToHttp().getRequest<Request>();

/** Applies decorators to a class that is made in a test. */
function controllerFor({ name, scope, choices, answer }: GuardedRoute) {
  class OneController {
    read(access: Access) {
      return new StreamableFile(Readable.from(answer(access), { objectMode: false }));
    }
  }
  const method = [OneController.prototype, 'read'] as const;
  const descriptor = Object.getOwnPropertyDescriptor(...method) as PropertyDescriptor;
  const need = typeof scope === 'string' ? scope : (context: ExecutionContext) => scope(requestOf(context).params.id as string);
  CurrentAccess()(...method, 0);
  RequireGrant(need, choices)(...method, descriptor);
  Get(':id')(...method, descriptor);
  Controller(name)(OneController);
  return OneController;
}

for (const [name, adapter] of [
  ['Nest on Express', undefined],
  ['Nest on Fastify', FastifyAdapter],
] as const) {
  guardContract(
    { describe, it },
    {
      name,
      answersEarly: true,
      async serve(routes) {
        const { engine, subject } = routes[0] as GuardedRoute;
        class AppModule {}
        const access = JitAccessModule.forRoot({ engine, subject: (context) => subject(requestOf(context).headers.session as string) });
        Module({ imports: [access], controllers: routes.map(controllerFor) })(AppModule);
        const app = await (adapter === undefined
          ? NestFactory.create(AppModule, { logger: false })
          : NestFactory.create(AppModule, new adapter({ forceCloseConnections: true }), { logger: false }));
        for (const { name: path, answered } of routes) {
          if (answered === undefined) continue;
          app.use(`/${path}`, (_request: unknown, response: ServerResponse, next: () => void) => {
            void answered.then(() => response.writeHead(503).end());
            next();
          });
        }
        await app.listen(0, '127.0.0.1');
        return overSocket(app.getHttpServer() as Server);
      },
    },
  );
}
