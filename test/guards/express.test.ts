import { Readable } from 'node:stream';
import express5, { type Request, type RequestHandler } from 'express';
import express4 from 'express-4';
import { accessOf, requireGrant } from 'jit-access/express';
import { guardContract, type GuardedRoute } from 'jit-access/testing';
import { describe, it } from 'vitest';
import { listenTo } from './serving.js';

for (const [name, express] of [
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
] as const) {
  guardContract(
    { describe, it },
    {
      name,
      answersEarly: true,
      serve(routes) {
        const app = express();
        for (const route of routes) {
          if (route.answered !== undefined) app.use(`/${route.name}`, answersOnce(route.answered));
          app.get(`/${route.name}/:id`, requireGrant(route.engine, optionsOf(route)), (_req, res) => {
            Readable.from(route.answer(accessOf(res)))
              .on('error', () => res.destroy())
              .pipe(res);
          });
        }
        return listenTo(app);
      },
    },
  );
}

/** What a timeout middleware does. */
function answersOnce(answered: Promise<void>): RequestHandler {
  return (_req, res, next) => {
    void answered.then(() => res.status(503).end());
    next();
  };
}

function optionsOf({ choices, subject, scope }: GuardedRoute) {
  return {
    ...choices,
    subject: (req: Request) => subject(req.get('session')),
    scope: typeof scope === 'string' ? scope : (req: Request) => scope(req.params.id as string),
  };
}
