import {
  attachAccess,
  createGuard,
  isAnswered,
  whenClosed,
  type Access,
  type GuardEngine,
  type GuardOptions,
} from 'jit-access/guard';
import type { Context, Middleware } from 'koa';

/**
 * An adapter for Koa, whole: the handler finds the access in
 * `ctx.state.access`. What `subject` throws goes to `app.on('error')`.
 */
export function requireGrant(
  engine: GuardEngine,
  options: GuardOptions<[ctx: Context]>,
): Middleware<{ access: Access }> {
  const guard = createGuard(engine, options);
  return async (ctx, next) => {
    const outcome = await guard(ctx);
    // A timeout middleware may have answered while the guard was waiting.
    if (isAnswered(ctx.res)) {
      if (outcome.allowed) outcome.stop?.();
      return;
    }
    if (!outcome.allowed) {
      ctx.status = outcome.refusal.status;
      ctx.set(outcome.refusal.headers);
      ctx.body = JSON.stringify(outcome.refusal.body);
      return;
    }
    if (outcome.stop !== undefined) whenClosed(ctx.res, outcome.stop);
    ctx.state.access = attachAccess(ctx, outcome.access);
    await next();
  };
}
