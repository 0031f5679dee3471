import type { MaybePromise } from '../core/ports.js';
import { assertRequest } from '../core/web-request.js';
import { attachAccess } from './access.js';
import { untilRead } from './body.js';
import { createGuard } from './guard.js';
import type { GuardEngine, GuardOptions } from './options.js';

/**
 * The same tuple, but without inference: only the handler determines its type. `NoInfer` does not work here: a rest
 * parameter does not accept it as a tuple, and `subject` and `scope` would lose their parameter types.
 */
type Settled<Args extends readonly unknown[]> = Args extends readonly [...infer Same] ? Same : never;

/**
 * Puts a guard in front of any handler that takes a `Request` and returns a `Response`: of Next, Bun, Deno or Workers. The
 * result is called like the handler, and passes all arguments on. `accessOf(request)` returns the access.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
 * @example
 * export const POST = requireGrant(engine, { subject: (request) => sessionOf(request)?.userId, scope: 'db-prod:write' }, async (request) =>
 *   Response.json({ until: accessOf(request).decision.validUntil }),
 * );
 */
export function requireGrant<Incoming extends Request = Request, More extends readonly unknown[] = [], Scope extends string = string>(
  engine: GuardEngine<Scope>,
  options: GuardOptions<Settled<[request: Incoming, ...more: More]>, NoInfer<Scope>>,
  handler: (request: Incoming, ...more: More) => MaybePromise<Response>,
): (request: Incoming, ...more: More) => Promise<Response> {
  const guard = createGuard(engine, options as GuardOptions<readonly unknown[], Scope>);
  const serve = async (request: Incoming, ...more: More): Promise<Response> => {
    const outcome = await guard(request, ...more);
    if (!outcome.allowed) {
      const { status, headers, body } = outcome.refusal;
      return new Response(JSON.stringify(body), { status, headers });
    }
    const { access, stop } = outcome;
    attachAccess(request, access);
    if (stop === undefined) return handler(request, ...more);
    request.signal.addEventListener('abort', stop, { once: true });
    if (request.signal.aborted) stop();
    try {
      return untilRead(await handler(request, ...more), request.method !== 'HEAD', stop);
    } catch (error) {
      stop();
      throw error;
    }
  };
  return (request, ...more) => {
    assertRequest(request, 'use the guard of jit-access/express, jit-access/fastify or jit-access/hono in these frameworks');
    return serve(request, ...more);
  };
}
