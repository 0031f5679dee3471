import type { MaybePromise } from '../ports.js';
import { handOn } from './access.js';
import { untilRead } from './body.js';
import { createGuard } from './guard.js';
import type { GuardEngine, GuardOptions } from './options.js';

/**
 * Puts a guard in front of any handler that takes a `Request` and gives a `Response`: of Next, Bun, Deno, Workers. What
 * it gives is called as the handler is, and gives the same arguments on; `accessOf(request)` is the access.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
 * @example
 * export const POST = requireGrant(engine, { subject: (request) => sessionOf(request)?.userId, scope: 'db-prod:write' }, async (request) =>
 *   Response.json({ until: accessOf(request).decision.validUntil }),
 * );
 */
export function requireGrant<Args extends readonly [request: Request, ...more: unknown[]], Scope extends string = string>(
  engine: GuardEngine<Scope>,
  options: GuardOptions<NoInfer<Args>, NoInfer<Scope>>,
  handler: (...args: Args) => MaybePromise<Response>,
): (...args: Args) => Promise<Response> {
  const guard = createGuard(engine, options);
  return async (...args) => {
    const [request] = args;
    const outcome = await guard(...args);
    if (!outcome.allowed) {
      const { status, headers, body } = outcome.refusal;
      return new Response(JSON.stringify(body), { status, headers });
    }
    const { access, stop } = outcome;
    handOn(request, access);
    if (stop === undefined) return handler(...args);
    request.signal.addEventListener('abort', stop, { once: true });
    if (request.signal.aborted) stop();
    try {
      return untilRead(await handler(...args), request.method !== 'HEAD', stop);
    } catch (error) {
      stop();
      throw error;
    }
  };
}
