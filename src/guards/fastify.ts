import type { FastifyInstance, FastifyRequest, preHandlerAsyncHookHandler } from 'fastify';
import type { MaybePromise } from '../core/ports.js';
import { accessOf, attachAccess, type Access } from './access.js';
import { whenClosed } from './closing.js';
import { createGuard } from './guard.js';
import { readCaller, type CallerOptions, type GuardDefaults, type GuardEngine } from './options.js';

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * A `preHandler` that allows a request only while its subject holds the scope.
     *
     * @param choices override the options of the plugin
     * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
     */
    requireGrant(
      scope: string | ((request: FastifyRequest) => MaybePromise<string>),
      choices?: GuardDefaults<[request: FastifyRequest]>,
    ): preHandlerAsyncHookHandler;
  }
  interface FastifyRequest {
    /** The access that the guard of this route has passed on. @throws InvalidArgumentError if the route has no guard */
    readonly access: Access;
  }
}

/** The engine, the function that identifies the caller, and the defaults of all guards of this application. */
export interface JitAccessOptions extends CallerOptions<[request: FastifyRequest]> {
  /** The engine, or a checker of `jit-access/check`. */
  readonly engine: GuardEngine;
}

/**
 * A plugin that adds two decorators: `fastify.requireGrant(scope)` makes a guard for a route, and `request.access` is the
 * access of the route's guard. Errors of `subject` or `scope` go to the error handler.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
 * @example
 * await app.register(jitAccess, { engine, subject: (request) => request.session.userId });
 * app.post('/orders', { preHandler: app.requireGrant('db-prod:write') }, async (request) => ({
 *   until: request.access.decision.validUntil,
 * }));
 */
export async function jitAccess(fastify: FastifyInstance, { engine, ...options }: JitAccessOptions): Promise<void> {
  readCaller(engine, options);
  fastify.decorateRequest('access', {
    getter() {
      return accessOf(this);
    },
  });
  fastify.decorate('requireGrant', (scope, choices = {}) => {
    const guard = createGuard(engine, { ...options, ...choices, scope });
    return async (request, reply) => {
      const outcome = await guard(request);
      if (!outcome.allowed) {
        const { status, headers, body } = outcome.refusal;
        return reply.code(status).headers(headers).send(JSON.stringify(body));
      }
      const { access, stop } = outcome;
      if (stop !== undefined) whenClosed(reply.raw, stop);
      attachAccess(request, access);
    };
  });
}

// As fastify-plugin does: makes the decorators visible to the routes of the parent that registers this plugin.
Object.assign(jitAccess, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'jit-access',
  [Symbol.for('plugin-meta')]: { name: 'jit-access', fastify: '5.x' },
});
