import type { JsonObject } from '../../model/json.js';
import type { JitEngine } from '../../engine/engine.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import { isObject } from '../../records/index.js';
import { hasLongHeader, headerOf } from '../json-body/headers.js';
import { AuthzenError } from './errors.js';
import { decideAll, decideOne } from './evaluate.js';
import type { AuthzenHandler } from './handler-type.js';
import { readBatch, saidTo } from './evaluations.js';
import { readEvaluation } from './messages.js';
import { metadataOf } from './metadata.js';
import { readAuthzenOptions, type AuthzenCaller, type AuthzenOperation, type AuthzenOptions } from './options.js';
import { readLimit } from '../json-body/rate-limit.js';
import { serveWithin } from '../json-body/serve-within.js';
import type { Searched } from './search-types.js';
import { search } from './search.js';
import { toFetchHandler, withoutBody, type PlainAnswer } from '../json-body/plain-answer.js';
import { targetOf } from '../json-body/request-url.js';
import { answerText, errorOf, jsonAnswer, readBody, unavailable, withRequestId, wrongMethod } from './transport.js';
import { bodyLimits, callHook, type AuthzenContext } from './authzen-context.js';
import { profileOf, type FindRoute, type Host, type Route } from './profile.js';

/**
 * The OpenID AuthZEN Authorization API 1.0 over an engine: evaluation, evaluations and the three searches. With the option
 * `accessRequests`, also the Access Request and Approval Profile, which is experimental.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
 * @example
 * const authzen = createAuthzenHandler(engine, {
 *   publicUrl: 'https://pdp.example.com',
 *   identify: async (request) => serviceOf(request),
 *   tokenKeys: [{ id: '2026-01', secret: process.env.AUTHZEN_KEY ?? '' }],
 * });
 */
export function createAuthzenHandler<Caller extends AuthzenCaller = AuthzenCaller, Scope extends string = string>(
  engine: JitEngine<Scope>,
  options: AuthzenOptions<Caller>,
): AuthzenHandler {
  const kernel = kernelOf(engine);
  const parsed = readAuthzenOptions(options);
  const host: Host = { engine, kernel, options: parsed };
  const routes = routesOf(host);
  const handle = toFetchHandler(async (request) => withoutBody(request, withRequestId(request, await answer(host, routes, request))));
  const { basePath, metadataPath } = parsed;
  return Object.freeze(Object.assign(handle, { basePath, metadataPath, metadata: metadataOf(parsed) }));
}

async function answer(host: Host, find: FindRoute, request: Request): Promise<PlainAnswer> {
  const { kernel, options } = host;
  const { path } = targetOf(request);
  const route = path.startsWith(`${options.basePath}/`) ? find(path.slice(options.basePath.length)) : undefined;
  if (route === undefined) return answerText(404, 'there is no such endpoint');
  const rate: Record<string, string> = {};
  let said: PlainAnswer;
  try {
    if (hasLongHeader(request)) throw new AuthzenError(431, 'a header is too long');
    if (!route.methods.includes(request.method)) throw wrongMethod(route.methods);
    // A late answer must not become a decision that a client has stopped waiting for.
    const serving = (limit: CallLimit) => serve({ ...host, limit }, route, request, rate);
    said = await serveWithin(kernel.clock.source, options.timeoutMs, serving, unavailable);
  } catch (error) {
    const failure = errorOf(error, (hidden) => kernel.settings.onError(hidden, 'authzen'));
    said = route.refuse(failure);
  }
  return { ...said, headers: { ...said.headers, ...rate } };
}

async function serve(env: AuthzenContext, route: Route, request: Request, rate: Record<string, string>): Promise<PlainAnswer> {
  const { operation } = route;
  refuseOtherSites(env, request, operation);
  if (operation === undefined) return route.answer(env, request, { subject: '' });
  const caller = await identify(env, request);
  env.kernel.refuseIfClosed();
  Object.assign(rate, await refuseTooMany(env, caller, operation));
  return route.answer(env, request, caller);
}

/** A browser sends the credentials of a person with the requests of any page. So only pages of the own origin may change something. */
function refuseOtherSites({ options }: AuthzenContext, request: Request, operation: AuthzenOperation | undefined): void {
  if (headerOf(request, 'sec-fetch-site') === 'cross-site') throw new AuthzenError(403, 'requests of other sites are refused');
  if (operation !== 'submit' && operation !== 'cancel') return;
  const origin = headerOf(request, 'origin');
  if (origin !== null && origin !== new URL(options.publicUrl).origin) throw new AuthzenError(403, 'requests of other origins are refused');
}

/** @throws AuthzenError 401, 503 */
async function identify(env: AuthzenContext, request: Request): Promise<AuthzenCaller> {
  const { options, kernel } = env;
  const caller = await callHook(env, () => options.identify(request));
  if (caller === undefined || caller === null) {
    throw new AuthzenError(401, 'authentication is required', { 'www-authenticate': options.challenge });
  }
  return callHook(env, () => {
    if (!isObject(caller)) throw new TypeError('identify must return a caller with a subject, or undefined');
    return { ...caller, subject: kernel.settings.readId('subject', (caller as Partial<AuthzenCaller>).subject) };
  });
}

/** @returns what `limit` said about the caller's quota, as headers @throws AuthzenError 429 */
async function refuseTooMany(env: AuthzenContext, caller: AuthzenCaller, operation: AuthzenOperation): Promise<PlainAnswer['headers']> {
  const { limit } = env.options;
  if (limit === undefined) return {};
  const { isRefused, headers } = await callHook(env, async () => readLimit(await limit(caller, operation)));
  if (isRefused) throw new AuthzenError(429, 'too many requests', headers);
  return headers;
}

type Reply = (env: AuthzenContext, value: JsonObject, caller: AuthzenCaller) => Promise<unknown>;

function routesOf(host: Host): FindRoute {
  const limits = bodyLimits(host);
  const body = (request: Request) => readBody(request, limits);
  const post = (operation: AuthzenOperation, reply: Reply): Route => ({
    methods: ['POST'],
    operation,
    refuse: ({ status, message, headers }) => answerText(status, message, headers),
    answer: async (env, request, caller) => jsonAnswer(200, await reply(env, await body(request), caller)),
  });
  const searchFor = (searched: Searched): Route => post('search', (env, value, caller) => search(env, caller, searched, value));
  const routes: Readonly<Record<string, Route>> = {
    '/evaluation': post('evaluate', async (env, value, caller) => saidTo(env.options, await decideOne(env, caller, readEvaluation(value)))),
    '/evaluations': post('evaluate', async (env, value, caller) => {
      const batch = readBatch(value);
      if (!('items' in batch)) return saidTo(env.options, await decideOne(env, caller, batch));
      const decisions = await decideAll(env, caller, batch);
      return { evaluations: decisions.map((decision) => saidTo(env.options, decision)) };
    }),
    '/search/subject': searchFor('subject'),
    '/search/resource': searchFor('resource'),
    '/search/action': searchFor('action'),
  };
  const ofProfile = profileOf(host.options)?.routesOf(host);
  return (path) => (Object.hasOwn(routes, path) ? routes[path] : ofProfile?.(path));
}
