import { Readable } from 'node:stream';
import Koa, { type Context } from 'koa';
import { guardContract } from 'jit-access/testing';
import { describe, it } from 'vitest';
import { requireGrant } from '../../examples/guards/koa.js';
import { listenTo } from './serving.js';

guardContract(
  { describe, it },
  {
    name: 'Koa',
    answersEarly: true,
    serve(routes) {
      const app = new Koa();
      app.silent = true;
      const idOf = (ctx: Context) => decodeURIComponent(ctx.path.split('/')[2] as string);
      const guards = new Map(
        routes.map(({ name, engine, choices, subject, scope, answer, answered }) => {
          const options = {
            ...choices,
            subject: (ctx: Context) => subject(ctx.headers.session as string | undefined),
            scope: typeof scope === 'string' ? scope : (ctx: Context) => scope(idOf(ctx)),
          };
          return [name, { guard: requireGrant(engine, options), answer, answered }];
        }),
      );
      app.use(async (ctx, next) => {
        const route = guards.get(ctx.path.split('/')[1] as string);
        if (route === undefined) {
          await next();
          return;
        }
        void route.answered?.then(() => ctx.res.writeHead(503).end());
        await route.guard(ctx, async () => {
          ctx.body = Readable.from(route.answer((ctx.state as { access: never }).access), { objectMode: false });
        });
      });
      const handle = app.callback();
      return listenTo((req, res) => void handle(req, res));
    },
  },
);
