import type { JsonObject } from '../../model/json.js';
import { readCount, readOptions } from '../../core/parse.js';
import type { AuthzenHandler } from './handler-type.js';
import type { ParsedOptions } from './options.js';
import { WELL_KNOWN } from './authzen-urls.js';
import { toFetchHandler, withoutBody } from '../json-body/plain-answer.js';
import { targetOf } from '../json-body/request-url.js';
import { answerText, jsonAnswer, READ, withRequestId, wrongMethod } from './transport.js';

const CAPABILITY = 'urn:openid:authzen:capability:access-request';

/** The metadata of a policy decision point. It omits members without a value. */
export function metadataOf({ publicUrl, endpointUrl, accessRequests }: ParsedOptions): JsonObject {
  return Object.freeze({
    policy_decision_point: publicUrl,
    access_evaluation_endpoint: `${endpointUrl}/evaluation`,
    access_evaluations_endpoint: `${endpointUrl}/evaluations`,
    search_subject_endpoint: `${endpointUrl}/search/subject`,
    search_resource_endpoint: `${endpointUrl}/search/resource`,
    search_action_endpoint: `${endpointUrl}/search/action`,
    ...(accessRequests !== undefined && {
      access_request_endpoint: `${endpointUrl}/requests`,
      jwks_uri: `${endpointUrl}/jwks.json`,
      capabilities: [CAPABILITY],
    }),
  });
}

/** The options of `createAuthzenMetadataHandler`. */
export interface AuthzenMetadataOptions {
  /** How long clients may keep a document: whole seconds, 0 to 86,400. Default: 3,600. */
  readonly maxAge?: number | undefined;
}

/** A handler of metadata documents. */
export interface AuthzenMetadataHandler {
  /** Answers every request. Every path other than that of a document is 404. Never rejects. */
  (request: Request): Promise<Response>;
  /** `/.well-known/authzen-configuration`: route it and everything below it to the handler. */
  readonly basePath: string;
}

/**
 * Serves the metadata of one or more handlers at `/.well-known/authzen-configuration`, each followed by the path of its `publicUrl`.
 * Clients need no authentication. Every other path is answered with 404.
 *
 * @param handlers the handlers that `createAuthzenHandler` made, for example one for each tenant
 * @throws InvalidArgumentError naming the option
 * @example
 * const metadata = createAuthzenMetadataHandler([authzen]);
 */
export function createAuthzenMetadataHandler(
  handlers: readonly AuthzenHandler[],
  options: AuthzenMetadataOptions = {},
): AuthzenMetadataHandler {
  const { maxAge = 3_600 } = readOptions<keyof AuthzenMetadataOptions>('options', options, ['maxAge']);
  const seconds = readCount('maxAge', maxAge, 0, 86_400);
  const documents = new Map(handlers.map(({ metadataPath, metadata }) => [metadataPath, metadata]));
  const handle = toFetchHandler(async (request) => {
    const document = documents.get(targetOf(request).path);
    if (document === undefined) return withoutBody(request, withRequestId(request, answerText(404, 'there is no metadata here')));
    if (!READ.includes(request.method)) {
      const { status, message, headers } = wrongMethod(READ);
      return withRequestId(request, answerText(status, message, headers));
    }
    // A shared cache gives a public answer to all clients, so it has no id of one request.
    return withoutBody(request, jsonAnswer(200, document, { 'cache-control': `public, max-age=${seconds}` }));
  });
  return Object.freeze(Object.assign(handle, { basePath: WELL_KNOWN }));
}
