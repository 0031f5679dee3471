import { invalid, isId, readActor, readBoundedList, readMetadata, readOptions, readText } from '../../core/parse.js';
import { agentOf, makeRequest, type AccessRequest } from '../../records/index.js';
import { isPattern, readPattern } from '../../core/scope.js';
import { isInstant, readInstant } from '../../core/instant.js';
import { isDuration, readWindow } from '../../core/duration.js';
import type { PolicyQuestion } from './types.js';

const FIELDS = [
  'subject',
  'scope',
  'scopes',
  'ttl',
  'startsAt',
  'justification',
  'ticket',
  'requestedBy',
  'operator',
  'metadata',
  'at',
] as const;
/** The greatest number of scopes of a request. */
const MAX_SCOPES = 50;
/** The engine's default review deadline. */
const UNSET_MS = 86_400_000;

/**
 * Returns a recorded request, or makes one from the given fields.
 *
 * @param needsInstant whether the policy has rules that hold at some times only
 * @throws InvalidArgumentError
 */
export function readQuestion(given: unknown, needsInstant: boolean): AccessRequest {
  if (isRecord(given)) {
    const request = readRecorded(given);
    if (request === undefined)
      throw invalid('request', 'a request that the engine returned, or an object like { subject, scope, ttl }', given);
    return request;
  }
  const read = readOptions<keyof PolicyQuestion>('request', given, FIELDS);
  const subject = readActor('subject', read.subject);
  const agent = agentOf(subject);
  const startsAt = read.startsAt === undefined ? undefined : readInstant('startsAt', read.startsAt);
  if (startsAt !== undefined && read.at === undefined)
    throw invalid('at', 'set when startsAt is set: the policy compares the two', read.at);
  if (needsInstant && read.at === undefined) throw invalid('at', 'set: this policy has rules with `when`', read.at);
  const createdAt = read.at === undefined ? 0 : readInstant('at', read.at);
  return makeRequest({
    version: 1,
    id: '-',
    subject,
    requestedBy: read.requestedBy === undefined ? (agent ?? subject) : readActor('requestedBy', read.requestedBy),
    agent,
    operator: read.operator === undefined ? undefined : readActor('operator', read.operator),
    scopes: readScopes(read),
    ttlMs: readWindow('ttl', read.ttl),
    startsAt,
    justification: readText('justification', read.justification),
    ticket: readText('ticket', read.ticket),
    metadata: readMetadata('metadata', read.metadata),
    createdAt,
    reviewBy: createdAt + UNSET_MS,
    askAgainAt: createdAt + UNSET_MS,
    reviews: [],
  });
}

function isRecord(given: unknown): given is object {
  try {
    return typeof given === 'object' && given !== null && Object.hasOwn(given, 'kind');
  } catch {
    // `readOptions` reports an unreadable value.
    return false;
  }
}

function readScopes({ scope, scopes }: { readonly scope?: unknown; readonly scopes?: unknown }): readonly string[] {
  if (scope === undefined && scopes === undefined) throw invalid('scope', 'set (or scopes)', scope);
  if (scope !== undefined && scopes !== undefined) throw invalid('scope', 'omitted when scopes is set', scope);
  if (scopes === undefined) return [readPattern('scope', scope)];
  const list = readBoundedList('scopes', scopes, 1, MAX_SCOPES).map((item, i) => readPattern(`scopes[${i}]`, item));
  const twice = list.findIndex((item, i) => list.indexOf(item) !== i);
  if (twice !== -1) throw invalid(`scopes[${twice}]`, 'listed only once', list[twice]);
  return list;
}

/** A copy of a recorded request, if the fields that rules read are valid. `undefined`: the value is no request. */
function readRecorded(given: object): AccessRequest | undefined {
  try {
    const request = makeRequest(given as AccessRequest);
    return (given as AccessRequest).kind === 'request' && isAsked(request) ? request : undefined;
  } catch {
    return undefined;
  }
}

const isAsked = ({
  subject,
  requestedBy,
  scopes,
  ttlMs,
  until,
  startsAt,
  createdAt,
  reviewBy,
  extension,
  justification,
  ticket,
}: AccessRequest) =>
  isId(subject) &&
  isId(requestedBy) &&
  scopes.every(isPattern) &&
  isDuration(ttlMs) &&
  (until === undefined || isInstant(until)) &&
  (startsAt === undefined || isInstant(startsAt)) &&
  isInstant(createdAt) &&
  isInstant(reviewBy) &&
  (extension === undefined || typeof extension.breakGlass === 'boolean') &&
  [justification, ticket].every((text) => text === undefined || typeof text === 'string');
