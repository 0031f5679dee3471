import type { Request, RequestHandler } from 'express';
import { handOn } from './access.js';
import { whenClosed } from './closing.js';
import { createGuard } from './guard.js';
import type { GuardEngine, GuardOptions } from './options.js';

/**
 * Middleware for Express 4 and 5: lets a request through only while its subject holds the scope. The handler finds the
 * access in `res.locals.access`, and by `accessOf(res)` with its type.
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
    let outcome;
    try {
      outcome = await guard(req);
    } catch (error) {
      next(error);
      return;
    }
    if (!outcome.allowed) {
      const { status, headers, body } = outcome.refusal;
      res.status(status).set(headers).send(JSON.stringify(body));
      return;
    }
    const { access, stop } = outcome;
    if (stop !== undefined) whenClosed(res, stop);
    handOn(res, access);
    res.locals.access = access;
    next();
  };
}
