import { isJitError } from '../../core/errors.js';
import type { JsonObject } from '../../model/json.js';
import { headerOf } from '../json-body/headers.js';
import type { PlainAnswer } from '../json-body/plain-answer.js';
import { BodyError, readJsonObject, readOptionalObject, type BodyLimits } from '../json-body/read-body.js';
import { AuthzenError } from './errors.js';

type Headers = Readonly<Record<string, string>>;

const COMMON = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

export const jsonAnswer = (status: number, body: unknown, headers: Headers = {}): PlainAnswer => ({
  status,
  headers: { 'content-type': 'application/json', ...COMMON, ...headers },
  body: JSON.stringify(body),
});

export const answerText = (status: number, message: string, headers: Headers = {}): PlainAnswer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', ...COMMON, ...headers },
  body: `${message}\n`,
});

/** Gives an answer the identifier of its request, if the request has one. */
export function withRequestId(request: Request, answer: PlainAnswer): PlainAnswer {
  const id = headerOf(request, 'x-request-id');
  return id === null ? answer : { ...answer, headers: { ...answer.headers, 'x-request-id': id } };
}

/** The methods of an endpoint that is only read. */
export const READ: readonly string[] = ['GET', 'HEAD'];

export const wrongMethod = (methods: readonly string[]): AuthzenError =>
  new AuthzenError(405, `this endpoint takes only ${methods.join(', ')}`, { allow: methods.join(', ') });

/** The JSON object in the body. A wrong content type is 400: these endpoints have no 415. @throws AuthzenError */
export const readBody = (request: Request, limits: BodyLimits): Promise<JsonObject> => translated(() => readJsonObject(request, limits));

/** The JSON object in a body that may be empty or absent. @throws AuthzenError */
export const readOptionalBody = (request: Request, limits: BodyLimits): Promise<JsonObject> =>
  translated(() => readOptionalObject(request, limits));

async function translated<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    throw new AuthzenError(error.status === 415 ? 400 : error.status, error.message, error.headers);
  }
}

/** The seconds after which a client may try again. */
const RETRY_AFTER = '5';

export const unavailable = (): AuthzenError => new AuthzenError(503, 'the service is unavailable', { 'retry-after': RETRY_AFTER });

/**
 * The answer to a failure. A failure of the store, the clock or a hook of the host is 503: it is never a decision.
 *
 * @param report receives each failure that the client does not see
 */
export function errorOf(error: unknown, report: (error: unknown) => void): AuthzenError {
  if (error instanceof AuthzenError) return error;
  report(error);
  return unavailable();
}

/** Whether an error of the engine says that an argument is invalid. */
export const isInvalidArgument = (error: unknown): boolean => isJitError(error) && error.code === 'ERR_JIT_INVALID_ARGUMENT';
