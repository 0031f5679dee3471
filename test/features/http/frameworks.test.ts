import 'reflect-metadata';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve as serveHono } from '@hono/node-server';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import express from 'express';
import express4 from 'express-4';
import Fastify, { type FastifyInstance } from 'fastify';
import { Hono } from 'hono';
import { toNodeHandler, type HttpHandler } from 'jit-access/http';
import { describe, it } from 'vitest';
import { httpContract, type HttpServer } from './contract.js';
import { aService } from './world.js';

/* The snippets of the guide, each in a service with a route of its own. The docs test compares them with the guide. */

const handlerOf = () => {
  const { handler, engine } = aService({ http: { basePath: '/access' } });
  return { handler, engine };
};

async function over(server: Server, end: () => Promise<unknown>): Promise<HttpServer> {
  if (!server.listening) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      await end();
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

const listenTo = (listener: RequestListener, end: () => Promise<unknown>) => over(createServer(listener), end);
const OTHER = 'a route of the service';

httpContract(
  { describe, it },
  {
    name: 'node:http',
    hasOthers: false,
    serve() {
      const { handler, engine } = handlerOf();
      return over(createServer(toNodeHandler(handler)), () => engine.close());
    },
  },
);

for (const [version, make] of [
  ['Express 5', express],
  ['Express 4', express4 as unknown as typeof express],
] as const) {
  httpContract(
    { describe, it },
    {
      name: version,
      hasOthers: true,
      serve() {
        const { handler, engine } = handlerOf();
        const app = make();
        app.use(toNodeHandler(handler));
        app.get('/other', (_request, response) => void response.send(OTHER));
        return listenTo(app, () => engine.close());
      },
    },
  );
}

/** Fastify has parsers of its own, and the handler reads the body itself. */
function mountOn(app: FastifyInstance, handler: HttpHandler): void {
  const serve = toNodeHandler(handler);
  app.register(async (access) => {
    access.removeAllContentTypeParsers();
    access.addContentTypeParser('*', (_request, _payload, done) => done(null));
    access.all(`${handler.basePath}/*`, (request, reply) => {
      reply.hijack();
      serve(request.raw, reply.raw);
    });
  });
}

httpContract(
  { describe, it },
  {
    name: 'Fastify',
    hasOthers: true,
    async serve() {
      const { handler, engine } = handlerOf();
      const app = Fastify({ forceCloseConnections: true });
      mountOn(app, handler);
      app.get('/other', () => OTHER);
      const url = await app.listen({ port: 0, host: '127.0.0.1' });
      return {
        url,
        close: async () => {
          await engine.close();
          await app.close();
        },
      };
    },
  },
);

httpContract(
  { describe, it },
  {
    name: 'Hono',
    hasOthers: true,
    async serve() {
      const { handler, engine } = handlerOf();
      const app = new Hono();
      app.all(`${handler.basePath}/*`, (context) => handler(context.req.raw));
      app.get('/other', (context) => context.text(OTHER));
      const server = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
      if (!server.listening) await once(server, 'listening');
      return over(server, () => engine.close());
    },
  },
);

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

httpContract(
  { describe, it },
  {
    name: 'Nest on Express',
    hasOthers: true,
    async serve() {
      const { handler, engine } = handlerOf();
      const app = await NestFactory.create(nestModule(), { logger: false });
      app.use(toNodeHandler(handler));
      await app.listen(0, '127.0.0.1');
      return over(app.getHttpServer() as Server, async () => {
        await engine.close();
        await app.close();
      });
    },
  },
);

httpContract(
  { describe, it },
  {
    name: 'Nest on Fastify',
    hasOthers: true,
    async serve() {
      const { handler, engine } = handlerOf();
      const app = await NestFactory.create<NestFastifyApplication>(nestModule(), new FastifyAdapter({ forceCloseConnections: true }), {
        logger: false,
      });
      mountOn(app.getHttpAdapter().getInstance() as unknown as FastifyInstance, handler);
      await app.listen(0, '127.0.0.1');
      return over(app.getHttpServer(), async () => {
        await engine.close();
        await app.close();
      });
    },
  },
);
