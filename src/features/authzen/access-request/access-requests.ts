import type { MaybePromise } from '../../../core/ports.js';
import { headerOf } from '../../json-body/headers.js';
import type { PlainAnswer } from '../../json-body/plain-answer.js';
import { bodyLimits } from '../authzen-context.js';
import type { AuthzenError } from '../errors.js';
import type { AuthzenAccessRequests } from '../options.js';
import { optionOf, type FindRoute, type Host, type Route } from '../profile.js';
import { jsonAnswer, READ, readBody, readOptionalBody } from '../transport.js';
import { readAccessRequests, type AuthzenAccessRequestOptions, type ParsedAccessRequests } from './options.js';
import { problemOf } from './problems.js';
import { denialOf, denialOfTuple, refuseByApproval, usedApproval } from './reevaluation.js';
import { SubjectReads } from './subject-reads.js';
import { requestSchema } from './submission.js';
import { submit } from './submit.js';
import { ExactTuple, TaskBindings } from './task-binding.js';
import { cancelTask, viewTask } from './tasks.js';

/**
 * The Access Request and Approval Profile of AuthZEN, for the option `accessRequests` of `createAuthzenHandler`: denials that a client
 * can submit, and the submission, the status and the cancellation of requests. One value may serve several handlers.
 *
 * Experimental: the profile is a draft, and may change in any release.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
 * @example
 * const profile = accessRequests({ signer: joseSigner(jose, { keys }) });
 * const authzen = createAuthzenHandler(engine, { ...options, accessRequests: profile });
 */
export function accessRequests(options: AuthzenAccessRequestOptions): AuthzenAccessRequests {
  const parsed = readAccessRequests(options);
  return optionOf({
    routesOf: (host) => routesOf(host, parsed),
    begin: (env) => {
      const [reads, bindings] = [new SubjectReads(env), new TaskBindings(env)];
      return {
        refuseByApproval,
        usedApproval,
        denialOf: (asked, decision) => denialOf(asked, parsed, reads, decision),
        denialOfTuple: (asked) => denialOfTuple(asked, parsed),
        tupleOf: (evaluation) => (parsed.exactTuple ? new ExactTuple(env, evaluation, bindings) : undefined),
      };
    },
  });
}

function refuse(error: AuthzenError): PlainAnswer {
  const { status, body, headers } = problemOf(error);
  return jsonAnswer(status, body, { ...headers, 'content-type': 'application/problem+json' });
}

function routesOf(host: Host, profile: ParsedAccessRequests): FindRoute {
  const limits = bodyLimits(host);
  // Made once: any client may read it, without a limit.
  let schema: object | undefined;
  const open = (document: () => MaybePromise<unknown>): Route => ({
    methods: READ,
    operation: undefined,
    refuse,
    answer: async () => jsonAnswer(200, await document()),
  });
  const fixed: Readonly<Record<string, Route>> = {
    '/jwks.json': open(async () => ({ keys: await profile.signer.jwks() })),
    '/request-schema.json': open(() => (schema ??= requestSchema())),
    '/requests': {
      methods: ['POST'],
      operation: 'submit',
      refuse,
      answer: async (env, request, caller) =>
        submit(env, profile, caller, await readBody(request, limits), headerOf(request, 'idempotency-key')),
    },
  };
  return (path) => {
    if (Object.hasOwn(fixed, path)) return fixed[path];
    const [, id, verb] = /^\/requests\/([^/]+)(\/cancel)?$/.exec(path) ?? [];
    if (id === undefined) return undefined;
    if (verb === undefined)
      return { methods: READ, operation: 'view', refuse, answer: (env, _, caller) => viewTask(env, profile, caller, id) };
    return {
      methods: ['POST', 'DELETE'],
      operation: 'cancel',
      refuse,
      answer: async (env, request, caller) => cancelTask(env, profile, caller, id, await readOptionalBody(request, limits)),
    };
  };
}
