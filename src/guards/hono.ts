import type { Context, MiddlewareHandler } from 'hono';
import { attachAccess, type Access } from './access.js';
import { untilRead } from './body.js';
import { createGuard } from './guard.js';
import type { GuardEngine, GuardOptions } from './options.js';

/**
 * Middleware for Hono: allows a request only while its subject holds the scope. The handler reads the access from
 * `c.var.access`.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
 * @example
 * app.post('/orders', requireGrant(engine, { subject: (c) => userOf(c)?.id, scope: 'db-prod:write' }), (c) =>
 *   c.json({ until: c.var.access.decision.validUntil }),
 * );
 */
export function requireGrant<Scope extends string = string>(
  engine: GuardEngine<Scope>,
  options: GuardOptions<[context: Context], NoInfer<Scope>>,
): MiddlewareHandler<{ Variables: { access: Access } }> {
  const guard = createGuard(engine, options);
  return async (c, next) => {
    const outcome = await guard(c);
    if (!outcome.allowed) {
      const { status, headers, body } = outcome.refusal;
      return c.body(JSON.stringify(body), status, headers);
    }
    const { access, stop } = outcome;
    c.set('access', attachAccess(c, access));
    if (stop === undefined) return next();
    const { raw } = c.req;
    raw.signal.addEventListener('abort', stop, { once: true });
    if (raw.signal.aborted) stop();
    try {
      await next();
      const response = untilRead(c.res, raw.method !== 'HEAD', stop);
      // Otherwise Hono would add the headers of the previous response a second time.
      c.res = undefined;
      c.res = response;
    } catch (error) {
      stop();
      throw error;
    }
  };
}
