import { applyDecorators, createParamDecorator, Inject, mixin, UseFilters, UseGuards } from '@nestjs/common';
import type { CanActivate, ExecutionContext, Type } from '@nestjs/common';
import { invalid } from '../../core/parse.js';
import type { MaybePromise } from '../../core/ports.js';
import { accessOf, attachAccess } from '../access.js';
import { isAnswered, whenClosed } from '../closing.js';
import { createGuard } from '../guard.js';
import { readCaller, readNeed, type GuardDefaults } from '../options.js';
import type { Guard } from '../outcome.js';
import { answered } from '../refusal.js';
import { OPTIONS, type JitAccessOptions } from './module.js';
import { AccessRefused, ProblemFilter, type HttpResponse } from './refused.js';

/** A scope, or a function that derives it from the route: from `context.switchToHttp().getRequest()`. */
export type ContextScope = string | ((context: ExecutionContext) => MaybePromise<string>);

/**
 * Allows requests only while their subject holds the scope: on a handler, or on a controller for all of its handlers. If
 * both have a guard, the subject must hold both scopes. The handler reads the access with `@CurrentAccess()`. Errors of
 * `subject` or `scope` go to the filters.
 *
 * @param choices override the options of the module
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the argument
 * @example
 * @RequireGrant('db-prod:write')
 * @Post('orders')
 * create(@CurrentAccess() access: Access) { return { until: access.decision.validUntil }; }
 */
export function RequireGrant(scope: ContextScope, choices?: GuardDefaults<[context: ExecutionContext]>): MethodDecorator & ClassDecorator {
  return applyDecorators(UseGuards(GrantGuard(scope, choices)), UseFilters(ProblemFilter));
}

/**
 * The guard of {@link RequireGrant}, a class for each scope, for `@UseGuards`. Without the filter of that decorator it
 * throws an `AccessRefused`, which your filters or Nest's own handle.
 */
export function GrantGuard(scope: ContextScope, choices: GuardDefaults<[context: ExecutionContext]> = {}): Type<CanActivate> {
  readNeed({ scope });
  class OneGrantGuard implements CanActivate {
    readonly #guard: Guard<[context: ExecutionContext]>;

    constructor({ engine, ...options }: JitAccessOptions) {
      const all = { ...options, ...choices, scope };
      const { subject } = readCaller<[context: ExecutionContext]>(engine, all);
      // In the guard, so that one which observes reports the context for which it would throw.
      const subjectOfHttp = (context: ExecutionContext) => {
        if (context.getType() !== 'http') throw invalid('context', 'of HTTP', context.getType());
        return subject(context);
      };
      this.#guard = createGuard(engine, { ...all, subject: subjectOfHttp as typeof options.subject });
    }

    async canActivate(context: ExecutionContext): Promise<boolean> {
      const outcome = await this.#guard(context);
      if (!outcome.allowed) throw new AccessRefused(outcome.refusal);
      const { access, stop } = outcome;
      if (context.getType() !== 'http') return access.observed;
      const http = context.switchToHttp();
      const answer = http.getResponse<HttpResponse>();
      const response = answer.raw ?? answer;
      if (isAnswered(response)) {
        stop?.();
        throw new AccessRefused(answered());
      }
      if (stop !== undefined) whenClosed(response, stop);
      attachAccess(http.getRequest<object>(), access);
      return true;
    }
  }
  Inject(OPTIONS)(OneGrantGuard, undefined, 0);
  return mixin(OneGrantGuard);
}

/** A parameter of a handler: the access that its guard has passed on. */
export const CurrentAccess: () => ParameterDecorator = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  accessOf(context.switchToHttp().getRequest<object>()),
);
