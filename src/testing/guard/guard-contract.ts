import { readPort } from '../../core/parse.js';
import type { MaybePromise } from '../../core/ports.js';
import { ContractViolation } from '../assertions.js';
import type { TestRunner } from '../runner.js';
import { answers } from './answers.js';
import { callers } from './callers.js';
import type { Cases, DefineCase, Hooks } from './cases.js';
import { ends } from './ends.js';
import { late } from './late.js';
import { letsThrough } from './lets-through.js';
import { observes } from './observes.js';
import { outages } from './outages.js';
import { scopes } from './scopes.js';
import { GuardWorld, type GuardedRoute, type GuardServer } from './world.js';

/** The adapter to test, and the hooks that only its author can provide. */
export interface GuardContractOptions {
  /** The name of the adapter in the report. */
  readonly name: string;
  /** Serves these routes, each behind its guard, preferably over a real socket. Called for each case. */
  serve(routes: readonly GuardedRoute[]): MaybePromise<GuardServer>;
  /**
   * Whether another handler can answer a request while the guard is still deciding, as with Node's responses. `serve` must
   * then answer 503 to the route with `answered` as soon as that promise resolves. Default: false.
   */
  readonly answersEarly?: boolean | undefined;
  /**
   * Extracts the problem from the body of a refusal, for frameworks that wrap it. Default: the whole body, which must be
   * problem+json.
   */
  problemOf?(body: unknown): unknown;
}

/** The guarantees of every guard, by number. */
const GUARANTEES: readonly (readonly [guarantee: string, cases: Cases])[] = [
  ['1. only an allowed request reaches the handler, with its decision', letsThrough],
  ['2. only the service identifies the caller', callers],
  ['3. a scope of the route is read like any other input', scopes],
  ['4. a request that cannot be checked is refused', outages],
  ['5. a refusal says where to request access, and nothing about held access', answers],
  ['6. the signal of abortOnEnd ends with the access or with the response, and no watch is left', ends],
  ['7. a request that another handler has answered runs no handler, and causes no error', late],
  ['8. a guard that observes changes no answer', observes],
];

/**
 * Defines the contract suite for guards, which every adapter for a framework must pass. An adapter that fails it admits
 * requests without access, or reveals data that the caller must not see.
 *
 * The suite has its own assertions and needs only a runner. It never sleeps; it moves its clock by hand. It needs the
 * runner's time limit only to detect a service that never answers.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT` if the runner has no `describe` and `it`, or the options have no
 *   `serve`
 * @example
 * import { describe, it } from 'vitest';
 * import { guardContract } from 'jit-access/testing';
 *
 * guardContract(
 *   { describe, it },
 *   {
 *     name: 'my framework',
 *     async serve(routes) {
 *       const app = createApp();
 *       for (const { name, engine, choices, subject, scope, answer } of routes) {
 *         const options = {
 *           ...choices,
 *           subject: (req: Req) => subject(req.header('session')),
 *           scope: typeof scope === 'string' ? scope : (req: Req) => scope(req.params.id),
 *         };
 *         app.get(`/${name}/:id`, requireGrant(engine, options), (req, res) => res.stream(answer(accessOf(req))));
 *       }
 *       const server = await app.listen(0);
 *       return {
 *         call: (name, id, init) => fetch(`${server.url}/${name}/${encodeURIComponent(id)}`, init),
 *         close: () => server.close(),
 *       };
 *     },
 *   },
 * );
 */
export function guardContract(runner: TestRunner, options: GuardContractOptions): void {
  readPort('runner', runner, ['describe', 'it']);
  readPort('options', options, ['serve']);
  const hooks: Hooks = {
    problemOf: options.problemOf === undefined ? undefined : (body) => (options as Required<typeof options>).problemOf(body),
  };
  runner.describe(`guard contract: ${options.name}`, () => {
    for (const [guarantee, cases] of GUARANTEES) {
      // Some runners report a group without cases as an error.
      if (cases === late && options.answersEarly !== true) continue;
      runner.describe(guarantee, () => {
        cases(caseOf(runner, options, guarantee), hooks);
      });
    }
  });
}

function caseOf(runner: TestRunner, options: GuardContractOptions, guarantee: string): DefineCase {
  return (name, body) => {
    runner.it(name, async () => {
      const world = new GuardWorld();
      const server = readPort<GuardServer>('serve(...)', await options.serve(world.routes), ['call', 'close']);
      world.server = server;
      try {
        await body(world);
      } catch (error) {
        throw error instanceof ContractViolation ? error.of(guarantee) : error;
      } finally {
        await server.close();
        await world.engine.close();
      }
    });
  };
}
