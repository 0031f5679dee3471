import 'reflect-metadata';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import express from 'express';
import express4 from 'express-4';
import Fastify, { type FastifyInstance } from 'fastify';
import { Hono } from 'hono';
import { toNodeHandler, type MountedHandler } from 'jit-access/http';

/* The snippets of the guide, each in a service with a route of its own. The docs test compares them with the guide. */

/** The text of the service's own route, `/other`. */
const OTHER = 'a route of the service';

/** A service that can listen, and what ends it. */
interface Made {
  readonly server: Server;
  readonly close?: () => Promise<unknown>;
}

/** A framework with its way to mount handlers. */
export interface Mount {
  readonly name: string;
  /** Whether the framework serves other routes beside the handlers. */
  readonly hasOthers: boolean;
  /** Whether `toNodeHandler` serves the handlers. Otherwise the framework reads and writes. */
  readonly isAdapted: boolean;
  readonly make: (handlers: readonly MountedHandler[]) => Promise<Made>;
}

/** Fastify has parsers of its own, and the handler reads the body itself. */
function mountOn(app: FastifyInstance, handler: MountedHandler): void {
  const serve = toNodeHandler(handler);
  app.register(async (access) => {
    access.removeAllContentTypeParsers();
    access.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const path of [handler.basePath || '/', `${handler.basePath}/*`])
      access.all(path, (request, reply) => {
        reply.hijack();
        serve(request.raw, reply.raw);
      });
  });
}

/** Applies decorators without their syntax. */
function nestModule() {
  class OtherController {
    read() {
      return OTHER;
    }
  }
  Get('other')(OtherController.prototype, 'read', Object.getOwnPropertyDescriptor(OtherController.prototype, 'read') as PropertyDescriptor);
  Controller()(OtherController);
  class AppModule {}
  Module({ controllers: [OtherController] })(AppModule);
  return AppModule;
}

const onNode: Mount = {
  name: 'node:http',
  hasOthers: false,
  isAdapted: true,
  async make(handlers) {
    const [handler] = handlers;
    if (handlers.length === 1 && handler !== undefined) return { server: createServer(toNodeHandler(handler)) };
    const listeners = handlers.map((each) => toNodeHandler(each));
    const server = createServer((request, response) => {
      const call = (i: number): void => listeners[i]?.(request, response, () => call(i + 1));
      call(0);
    });
    return { server };
  },
};

const onExpress = (name: string, make: typeof express): Mount => ({
  name,
  hasOthers: true,
  isAdapted: true,
  async make(handlers) {
    const app = make();
    for (const handler of handlers) app.use(toNodeHandler(handler));
    app.get('/other', (_request, response) => void response.send(OTHER));
    return { server: createServer(app) };
  },
});

const onFastify: Mount = {
  name: 'Fastify',
  hasOthers: true,
  isAdapted: true,
  async make(handlers) {
    const app = Fastify({ forceCloseConnections: true });
    for (const handler of handlers) mountOn(app, handler);
    app.get('/other', () => OTHER);
    await app.ready();
    return { server: app.server, close: () => app.close() };
  },
};

const onHono: Mount = {
  name: 'Hono',
  hasOthers: true,
  isAdapted: false,
  async make(handlers) {
    const app = new Hono();
    for (const handler of handlers) app.all(`${handler.basePath}/*`, (context) => handler(context.req.raw));
    app.get('/other', (context) => context.text(OTHER));
    return { server: createAdaptorServer({ fetch: app.fetch }) as Server };
  },
};

const onNest: Mount = {
  name: 'Nest on Express',
  hasOthers: true,
  isAdapted: true,
  async make(handlers) {
    const app = await NestFactory.create(nestModule(), { logger: false });
    for (const handler of handlers) app.use(toNodeHandler(handler));
    await app.init();
    return { server: app.getHttpServer() as Server, close: () => app.close() };
  },
};

const onNestFastify: Mount = {
  name: 'Nest on Fastify',
  hasOthers: true,
  isAdapted: true,
  async make(handlers) {
    const app = await NestFactory.create<NestFastifyApplication>(nestModule(), new FastifyAdapter({ forceCloseConnections: true }), {
      logger: false,
    });
    const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
    for (const handler of handlers) mountOn(fastify, handler);
    await app.init();
    await fastify.ready();
    return { server: app.getHttpServer(), close: () => app.close() };
  },
};

export const MOUNTS: readonly Mount[] = [
  onNode,
  onExpress('Express 5', express),
  onExpress('Express 4', express4 as unknown as typeof express),
  onFastify,
  onHono,
  onNest,
  onNestFastify,
];

/** Listens on a free port. @param configure sets the limits of the server, before it listens */
export async function listening({ server, close }: Made, configure?: (server: Server) => void) {
  configure?.(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await close?.();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
