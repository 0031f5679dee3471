import { readPort } from '../../core/parse.js';
import type { Clock, MaybePromise } from '../../core/ports.js';
import { readClock, systemClock } from '../../core/clock.js';
import type { JitEngine } from '../../engine/engine.js';
import { unauthenticated } from '../../guards/refusal.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import { callHook, identifyCaller, isPermitted, readSelf, refuseIfLate, refuseOtherCaller } from './identity.js';
import { operations } from './operations/index.js';
import type { Call, Operation, Served } from './operation.js';
import { readHttpOptions, type HttpCaller, type HttpOptions, type ParsedHttpOptions } from './options.js';
import { withPeople } from './people.js';
import { corsHeaders, OriginReports, preflight, refuseOtherOrigin } from './origin.js';
import { HttpError, ownProblem, toProblem } from './problem.js';
import { readCall } from './read-call.js';
import { respond, respondProblem } from './respond.js';
import { hasLongHeader, headerOf } from '../json-body/headers.js';
import { toFetchHandler, type PlainAnswer } from '../json-body/plain-answer.js';
import { targetOf } from '../json-body/request-url.js';
import { Router, type Route } from './router.js';
import { readLimit } from '../json-body/rate-limit.js';
import { serveWithin } from '../json-body/serve-within.js';

/** Answers the requests below its base path. It never rejects: every failure is a response. */
export interface HttpHandler {
  (request: Request): Promise<Response>;
  /** Where it is mounted. */
  readonly basePath: string;
  /** The path below which it answers. `toNodeHandler` passes all other requests on. */
  readonly prefix: string;
}

/** The engine, or a function that chooses one for each request. `undefined`: no such tenant. */
export type EngineOfRequest = JitEngine | ((request: Request) => MaybePromise<JitEngine | undefined>);

/** How long a call may take. A write may resend a lost reply for 15 seconds. Milliseconds. */
const READ_LIMIT_MS = 10_000;
const WRITE_LIMIT_MS = 20_000;
/** A read that waits for a decision. */
const WAIT_LIMIT_MS = 45_000;

/**
 * An HTTP API of the engine: requests, reviews, grants, break-glass, emergencies and audit, under `<basePath>/v1/`. It takes the
 * identity of the caller only from `identify`, and shows a request only to the people who are involved in it.
 *
 * @param engine the engine; or a function that returns the engine of a tenant. An unknown tenant is answered like an unknown id
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
 * @example
 * const handler = createHttpHandler(engine, {
 *   identify: async (request) => sessionOf(request),
 *   may: ({ caller }) => caller.roles.includes('security'),
 *   basePath: '/access',
 * });
 */
export function createHttpHandler<Caller extends HttpCaller>(engine: EngineOfRequest, options: HttpOptions<Caller>): HttpHandler {
  const read = readHttpOptions(options);
  const served = typeof engine === 'function' ? engine : () => engine;
  // A missing verb here is a wrong argument, and not the first caller's problem.
  if (typeof engine !== 'function') readPort<JitEngine>('engine', engine, ['requestAccess'], 'new JitEngine({ store, approver })');
  const router = new Router(operations.filter(({ area }) => area !== 'approval links' || read.linkKeys !== undefined));
  const clock = typeof engine === 'function' ? systemClock : kernelOf(engine).settings.clock;
  const reports = new OriginReports(read.onError);
  const handle = toFetchHandler((request) => answerTo(request, { served, clock, options: read, router, reports, rate: {} }));
  return Object.assign(handle, { basePath: read.basePath, prefix: prefixOf(read) });
}

const prefixOf = ({ basePath }: Pick<ParsedHttpOptions, 'basePath'>): string => `${basePath}/v1`;

interface Setup {
  /** The clock that bounds what comes before the engine is known. */
  readonly clock: Clock;
  readonly served: (request: Request) => MaybePromise<JitEngine | undefined>;
  readonly options: ParsedHttpOptions;
  readonly router: Router;
  readonly reports: OriginReports;
  /** What `limit` said about the quota of this request's caller. The answer and a later refusal have it. */
  readonly rate: Record<string, string>;
}

async function answerTo(request: Request, setup: Setup): Promise<PlainAnswer> {
  const { options } = setup;
  let answer: PlainAnswer;
  try {
    answer = await route(request, setup);
  } catch (error) {
    const problem = toProblem(error);
    if (problem.status >= 500 && !(error instanceof HttpError && error.isReported)) options.onError(error, 'http');
    answer = respondProblem(request, problem);
  }
  return { ...answer, headers: { ...answer.headers, ...setup.rate, ...corsHeaders(request, options) } };
}

async function route(request: Request, setup: Setup): Promise<PlainAnswer> {
  const { options, router } = setup;
  if (hasLongHeader(request)) throw ownProblem('headers-too-large');
  const { path } = targetOf(request);
  const prefix = prefixOf(options);
  if (!path.startsWith(`${prefix}/`)) throw notFound();
  const routed = router.find(path.slice(prefix.length), request.method);
  if (routed.operation === undefined) {
    if (routed.methods.length === 0) throw notFound({ detail: `There is no such path: ${prefix}/openapi.json lists the paths.` });
    const answered = preflight(request, options, routed.methods);
    if (answered !== undefined) return answered;
    throw ownProblem('method-not-allowed', { headers: { allow: routed.methods.join(', ') } });
  }
  refuseOtherOrigin(request, options, setup.reports);
  const { operation } = routed;
  if (operation.id === 'openapi') return respond(request, operation, await operation.run({ options } as Call<never, never>), undefined);
  const [caller, found] = await limited(READ_LIMIT_MS, setup.clock, (limit) => callerAndEngine(request, operation, setup, limit));
  if (found === undefined) throw notFound();
  const { kernel } = found;
  kernel.refuseIfClosed();
  const served = { ...found, options, rate: setup.rate };
  const run = (limit: CallLimit) => perform(request, routed, served, caller, limit);
  const [answer, people] = await limited(limitOf(operation, request), kernel.settings.clock, run, ([late]) => drop(late));
  // Bounded by itself, so that slow names make no answer too slow.
  return people && caller ? withPeople(answer, { ...served, caller }) : answer;
}

/** The caller comes before the tenant: without a caller, a tenant that does not exist is answered like any other. */
async function callerAndEngine(request: Request, { access }: Operation, { options, served }: Setup, limit: CallLimit) {
  const caller = access === 'open' ? undefined : await identifyCaller(request, options, limit);
  if (access !== 'open' && caller === undefined) throw new HttpError(unauthenticated(options.realm));
  const find = async () => {
    const engine = await served(request);
    // Inside the hook: another value than an engine is a mistake of the service, and not of the client.
    return engine === undefined ? undefined : { engine, kernel: kernelOf(engine) };
  };
  return [caller, await callHook(limit, find, 'engine', options.onError)] as const;
}

const notFound = (more: { readonly detail?: string } = {}): HttpError =>
  ownProblem('not-found', { ...more, members: { code: 'ERR_JIT_NOT_FOUND' } });

const limitOf = ({ method }: Operation, request: Request): number =>
  method === 'POST' ? WRITE_LIMIT_MS : headerOf(request, 'prefer') !== null ? WAIT_LIMIT_MS : READ_LIMIT_MS;

/** No client reads this body any more: a stream would stay open for ever. */
const drop = async ({ body }: PlainAnswer): Promise<void> => (typeof body === 'string' ? undefined : body?.cancel());

/**
 * Bounds the time of a call. A commit that was sent may still be recorded: a repeat finds it.
 *
 * @throws ClockError if the clock fails: it must not look like a fault of the handler
 */
async function limited<T>(
  limitMs: number,
  clock: Clock,
  run: (limit: CallLimit) => Promise<T>,
  drop?: (late: T) => unknown,
): Promise<Awaited<T>> {
  readClock(clock);
  const answer = async (limit: CallLimit): Promise<T> => {
    const given = await run(limit);
    if (limit.hasPassed) await drop?.(given);
    return given;
  };
  return serveWithin(clock, limitMs, answer, () => ownProblem('timeout', { headers: { 'retry-after': '5' } }));
}

/** The limit of a question of a stream that is open: the call has its answer, and another limit bounds the question. */
const NEVER: CallLimit = /* @__PURE__ */ Object.freeze({ hasPassed: false });

/** @returns the answer, and whether it shall have the names of the people in it */
async function perform(
  request: Request,
  { operation, path }: Route,
  { rate, ...served }: Served & Pick<Setup, 'rate'>,
  caller: HttpCaller | undefined,
  limit: CallLimit,
): Promise<readonly [answer: PlainAnswer, people: boolean]> {
  const { options, kernel } = served;
  if (caller === undefined) {
    const answer = await operation.run({ ...served, request, path, limit } as unknown as Call<never, never>);
    return [respond(request, operation, answer, undefined), false];
  }
  const self = readSelf(kernel, options, caller);
  refuseOtherCaller(request, kernel, self);
  Object.assign(rate, await refuseOverLimit(options, caller, operation, limit));
  const { people, ...input } = await readCall(request, operation, kernel.settings.clock);
  refuseIfLate(limit);
  const again: Call['again'] = async () => {
    const now = await identifyCaller(request, options, NEVER);
    return now && { self: readSelf(kernel, options, now), may: permissionsOf(options, now, NEVER) };
  };
  const may = permissionsOf(options, caller, limit);
  const call = { ...served, caller, self, request, path, limit, may, again, ...input } as Call<never, never>;
  return [respond(request, operation, await operation.run(call), self, people), people];
}

const permissionsOf =
  (options: ParsedHttpOptions, caller: HttpCaller, limit: CallLimit): Call['may'] =>
  (action, target) =>
    isPermitted(options, { caller, action, target }, limit);

async function refuseOverLimit(
  { limit: ask, onError }: ParsedHttpOptions,
  caller: HttpCaller,
  { id }: Operation,
  limit: CallLimit,
): Promise<Readonly<Record<string, string>>> {
  const { isRefused, headers } = await callHook(limit, async () => readLimit(await ask(caller, id)), 'limit', onError);
  if (isRefused) throw ownProblem('too-many-requests', { headers });
  return headers;
}
