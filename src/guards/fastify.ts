import type { FastifyInstance, FastifyRequest, preHandlerAsyncHookHandler } from 'fastify';
import type { MaybePromise } from '../core/ports.js';
import { accessOf, attachAccess, type Access } from './access.js';
import { whenClosed } from './closing.js';
import { createGuard } from './guard.js';
import { readCaller, type CallerOptions, type GuardDefaults, type GuardEngine } from './options.js';

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * A `preHandler` that lets a request through only while its subject holds the scope.
     *
     * @param choices override those of the plugin
     * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
     */
    requireGrant(
      scope: string | ((request: FastifyRequest) => MaybePromise<string>),
      choices?: GuardDefaults<[request: FastifyRequest]>,
    ): preHandlerAsyncHookHandler;
  }
  interface FastifyRequest {
    /** What the guard of this route has handed on. @throws InvalidArgumentError where the route has none */
    readonly access: Access;
  }
}

/** The engine, who is calling, and how all guards of this application answer. */
export interface JitAccessOptions extends CallerOptions<[request: FastifyRequest]> {
  readonly engine: GuardEngine;
}

/**
 * A plugin that decorates: `fastify.requireGrant(scope)` is a guard for a route, and `request.access` is what it has
 * handed on to the handler. What `subject` or `scope` throws goes to the error handler.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
 * @example
 * await app.register(jitAccess, { engine, subject: (request) => request.session.userId });
 * app.post('/orders', { preHandler: app.requireGrant('db-prod:write') }, async (request) => ({ until: request.access.decision.validUntil }));
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

// As fastify-plugin does it: what is decorated here is there for the routes of whoever registers this.
Object.assign(jitAccess, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'jit-access',
  [Symbol.for('plugin-meta')]: { name: 'jit-access', fastify: '5.x' },
});
