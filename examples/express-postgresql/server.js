import express from 'express';
import { isJitError } from 'jit-access';
import { accessOf, requireGrant } from 'jit-access/express';
import { close, engine } from './access.js';

// Replace this with your login. The engine trusts the id, so it must be one that you have verified.
const sessions = new Map([
  ['Bearer token-of-maya', 'user:maya'],
  ['Bearer token-of-sam', 'user:sam'],
]);
const subject = (req) => sessions.get(req.get('authorization') ?? '');

const app = express();
app.use(express.json());

// The route to protect: a caller without the access gets a 403, an unknown caller a 401.
app.post('/orders/:id/release', requireGrant(engine, { subject, scope: 'orders:release' }), (req, res) => {
  res.json({ released: req.params.id, until: new Date(accessOf(res).decision.validUntil) });
});

app.use('/access', (req, res, next) => {
  req.caller = subject(req);
  if (req.caller === undefined) res.sendStatus(401);
  else next();
});

app.post('/access/requests', async (req, res) => {
  const ask = { subject: req.caller, scope: 'orders:release', ttl: '15m', justification: req.body.justification };
  const { request, outcome } = await engine.requestAccess(ask);
  res.status(201).json({ id: request.id, outcome });
});

app.post('/access/requests/:id/approve', async (req, res) => {
  const { outcome } = await engine.approve(req.params.id, { by: req.caller });
  res.json({ outcome });
});

app.post('/access/revoke', async (req, res) => {
  const { grants } = await engine.revokeAll({ subject: req.body.subject }, { by: req.caller, reason: req.body.reason });
  res.json({ ended: grants.length });
});

const STATUS = {
  ERR_JIT_INVALID_ARGUMENT: 400,
  ERR_JIT_NOT_FOUND: 404,
  ERR_JIT_SELF_REVIEW: 403,
  ERR_JIT_NOT_REVIEWER: 403,
  ERR_JIT_INELIGIBLE: 403,
  ERR_JIT_REQUIREMENTS: 400,
  ERR_JIT_STORE: 503,
};
// Express needs all four parameters to recognise an error handler.
app.use((error, req, res, next) => {
  if (!isJitError(error)) next(error);
  else res.status(STATUS[error.code] ?? 409).json({ code: error.code, message: error.message, problems: error.problems });
});

const server = app.listen(process.env.PORT ?? 3000, () => console.log('ready'));
process.once('SIGTERM', () => server.close(close));
