import { invalid, readId, readList, readMetadata, readOptions, readText } from '../input.js';
import type { Ask } from '../lifecycle/request.js';
import type { JsonObject, ScopeMatcher } from '../ports.js';
import { readPattern, readScope } from '../scope.js';
import { readDuration, type Duration } from '../time.js';
import type { Settings } from './options.js';

/** What `requestAccess` takes: one `scope` or several `scopes`, decided as one. */
export interface AccessAsk<Scope extends string = string> {
  /** Who would hold the access. */
  readonly subject: string;
  readonly scope?: Scope | undefined;
  /** At most 50, each once; approved together or not at all, one grant for each. */
  readonly scopes?: readonly Scope[] | undefined;
  /** Length of the window, which starts at the decision: milliseconds, or a string like `'30m'`. */
  readonly ttl: Duration;
  /** Why. Text of at most 4 KiB; it goes on record, so nothing secret. */
  readonly justification?: string | undefined;
  /** What it is for, e.g. `INC-4711`. Text of at most 4 KiB. */
  readonly ticket?: string | undefined;
  /** Who asks, if not the subject itself; neither of the two may review. */
  readonly requestedBy?: string | undefined;
  /** Makes a repetition safe: the same key and body give the same request, another body is refused. */
  readonly idempotencyKey?: string | undefined;
  /** JSON of your own, at most 8 KiB. Kept on the request; only its hash goes into the journal. */
  readonly metadata?: JsonObject | undefined;
}

const MAX_SCOPES = 50;

/** What is asked, and the key that makes a repetition of it safe. */
export function readAsk(
  given: unknown,
  readActorId: Settings['readId'],
  matcher: ScopeMatcher,
): { readonly ask: Ask; readonly key: string | undefined } {
  const read = readOptions<keyof AccessAsk>('ask', given, [
    'subject',
    'scope',
    'scopes',
    'ttl',
    'justification',
    'ticket',
    'requestedBy',
    'idempotencyKey',
    'metadata',
  ]);
  const subject = readActorId('subject', read.subject);
  const ask = {
    subject,
    requestedBy: read.requestedBy === undefined ? subject : readActorId('requestedBy', read.requestedBy),
    scopes: readScopes(read.scope, read.scopes, matcher),
    ttlMs: readDuration('ttl', read.ttl),
    justification: readText('justification', read.justification),
    ticket: readText('ticket', read.ticket),
    metadata: readMetadata('metadata', read.metadata),
  };
  return { ask, key: read.idempotencyKey === undefined ? undefined : readId('idempotencyKey', read.idempotencyKey) };
}

function readScopes(scope: unknown, scopes: unknown, matcher: ScopeMatcher): readonly string[] {
  // A pattern may be asked for only where the engine's scopes know patterns; who grants it is the approver's rule.
  const readOne = matcher.exact ? readScope : readPattern;
  if (scope === undefined && scopes === undefined) throw invalid('scope', 'given, or scopes', scope);
  if (scopes === undefined) return Object.freeze([readOne('scope', scope)]);
  if (scope !== undefined) throw invalid('scopes', 'left out where scope is given', scopes);
  const list = readList('scopes', scopes, 1, MAX_SCOPES).map((item, i) => readOne(`scopes[${i}]`, item));
  const twice = list.findIndex((item, i) => list.indexOf(item) !== i);
  if (twice !== -1) throw invalid(`scopes[${twice}]`, 'asked once', list[twice]);
  return Object.freeze(list);
}
