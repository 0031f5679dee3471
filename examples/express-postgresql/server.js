import express from 'express';
import { accessOf, requireGrant } from 'jit-access/express';
import { createHttpHandler, toNodeHandler } from 'jit-access/http';
import { close, engine } from './access.js';

// Replace this with your login. The engine trusts the id, so it must be one that you have verified.
const sessions = new Map([
  ['Bearer token-of-maya', 'user:maya'],
  ['Bearer token-of-sam', 'user:sam'],
]);
const userOf = (authorization) => sessions.get(authorization ?? '');

const handler = createHttpHandler(engine, {
  identify: (request) => {
    const subject = userOf(request.headers.get('authorization'));
    return subject && { subject };
  },
  // Who may do more than ask and review. Here one person may end the access of others.
  may: ({ caller, action }) =>
    caller.subject === 'user:sam' &&
    ['revoke', 'revokeAll'].includes(action),
  basePath: '/access',
  onError: (error, during) => console.error(during, error),
});

const app = express();
app.use(toNodeHandler(handler));

// The route to protect: a caller without the access gets a 403, an unknown caller a 401.
const subject = (req) => userOf(req.get('authorization'));
app.post(
  '/orders/:id/release',
  requireGrant(engine, { subject, scope: 'orders:release' }),
  (req, res) => {
    res.json({
      released: req.params.id,
      until: new Date(accessOf(res).decision.validUntil),
    });
  },
);

const server = app.listen(process.env.PORT ?? 3000, () =>
  console.log('ready'),
);
process.once('SIGTERM', () => server.close(close));
