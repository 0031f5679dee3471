import type { Request, RequestHandler, Response } from 'express';
import { attachAccess } from './access.js';
import { isAnswered, whenClosed } from './closing.js';
import { createGuard } from './guard.js';
import type { GuardEngine, GuardOptions } from './options.js';
import type { Guard } from './outcome.js';

/**
 * Middleware for Express 4 and 5: allows a request only while its subject holds the scope. The handler reads the access from
 * `res.locals.access`, or with its type from `accessOf(res)`.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
 * @example
 * app.post('/orders', requireGrant(engine, { subject: (req) => req.user?.id, scope: 'db-prod:write' }), (req, res) => {
 *   res.json({ until: accessOf(res).decision.validUntil });
 * });
 */
export function requireGrant<Scope extends string = string>(
  engine: GuardEngine<Scope>,
  options: GuardOptions<[request: Request], NoInfer<Scope>>,
): RequestHandler {
  const guard = createGuard(engine, options);
  return async (req, res, next) => {
    // Express 4 ignores the promise of a middleware, and an unhandled rejection ends the Node process.
    try {
      if (await answerOrAdmit(guard, req, res)) next();
    } catch (error) {
      next(error);
    }
  };
}

/** @returns whether the request continues to its handler */
async function answerOrAdmit(guard: Guard<[request: Request]>, req: Request, res: Response): Promise<boolean> {
  const outcome = await guard(req);
  if (isAnswered(res)) {
    if (outcome.allowed) outcome.stop?.();
    return false;
  }
  if (!outcome.allowed) {
    const { status, headers, body } = outcome.refusal;
    res.status(status).set(headers).send(JSON.stringify(body));
    return false;
  }
  const { access, stop } = outcome;
  if (stop !== undefined) whenClosed(res, stop);
  res.locals.access = attachAccess(res, access);
  return true;
}
