import type { AllOf } from '../core/parse.js';
import { digestOf } from '../journal/link.js';
import type { AccessRequest, AskedRequest, Given } from '../records/index.js';

/** The validated input of a request, in canonical form. It has either `ttlMs` or `until`. */
export type Ask = Given<Omit<AskedRequest, 'kind' | 'id' | 'version' | 'ttlMs' | 'extension' | 'createdAt' | 'reviewBy' | 'askAgainAt'>> & {
  readonly ttlMs: number | undefined;
  /** What to extend. With a request, the ask is for each grant that can be extended, or for those with one of `scopes` if it names any. */
  readonly extends: Extended | undefined;
};

/** What an ask extends: a grant by its id, or the grants of a request together. */
export type Extended = string | { readonly requestId: string };

/** The fields in which a repeat may differ from the request that the engine returns for it. */
export type AskField = 'ttl' | 'until' | 'justification' | 'ticket' | 'metadata';

/** The fields in which the request that the engine returns for a repeat differs from the call. */
export function differencesFrom(
  asked: Pick<Ask, 'ttlMs' | 'until' | 'justification' | 'ticket' | 'metadata'>,
  request: AccessRequest,
): readonly AskField[] {
  const metadataOf = (of: Pick<Ask, 'metadata'>) => of.metadata && digestOf(of.metadata);
  const differs: Readonly<Record<AskField, boolean>> = {
    ttl: ttlOf(request) !== ttlOf(asked),
    until: request.until !== asked.until,
    justification: request.justification !== asked.justification,
    ticket: request.ticket !== asked.ticket,
    metadata: metadataOf(request) !== metadataOf(asked),
  };
  return (Object.keys(differs) as AskField[]).filter((field) => differs[field]);
}

/** The requested length. `undefined`: an end is requested instead, and the length follows from it. */
const ttlOf = ({ ttlMs, until }: Pick<Ask, 'ttlMs' | 'until'>): number | undefined => (until === undefined ? ttlMs : undefined);

/*
 * Each field of an ask counts, so that a repeat with another value is another ask, or it does not: the compiler asks about a new field.
 * Rows, entries and links hold digests of 0.1.0, so no later field may change the digest of an ask without it.
 */

/** The fields that count since 0.1.0. A digest has their values in the order of {@link digestOfAsk}. */
type First = 'subject' | 'requestedBy' | 'scopes' | 'ttlMs' | 'until' | 'startsAt' | 'extends' | 'replaces' | Text;
type Text = 'justification' | 'ticket' | 'metadata';

/** The correlation names the call, and each repeat may have its own. The agent and the operator of a run follow from its subject. */
type Uncounted = 'correlation' | 'agent' | 'operator';

type Later = Exclude<keyof Ask, First | Uncounted>;

/** The later fields that count, where the ask has them. Each is binding (`records/marks.ts`): an earlier version would leave it out. */
export const LATER = [] as const satisfies readonly Later[];

/** The names and the values of the later fields that an ask has. */
export const laterOf = (
  asked: Partial<Ask>,
  names: readonly AllOf<Later, typeof LATER>[] = LATER,
): readonly (readonly [string, unknown])[] =>
  names.flatMap((name: keyof Ask) => (asked[name] === undefined ? [] : [[name, asked[name]] as const]));

/** A digest of all fields that count (L11, L18). */
export function digestOfAsk(asked: Omit<Ask, 'extends'>, extended: Extended | undefined): string {
  const { subject, requestedBy, scopes, until, startsAt, replaces, justification, ticket, metadata } = asked;
  return digestOf([
    subject,
    requestedBy,
    scopes,
    ttlOf(asked),
    until,
    startsAt,
    extended,
    replaces,
    justification,
    ticket,
    metadata,
    ...laterOf(asked),
  ]);
}

/** What a request extends, as its caller named it. */
export const extendedBy = ({ extension }: Pick<AccessRequest, 'extension'>): Extended | undefined =>
  extension?.requestId === undefined ? extension?.grantIds[0] : { requestId: extension.requestId };

/**
 * Whether a repeated call with the same idempotency key asks for the same access (L11). The scopes of a call that extends a request
 * do not count, so it is the same also when fewer grants are left.
 */
export function asksForTheSame(request: AccessRequest, ask: Ask): boolean {
  const extended = extendedBy(request);
  const counted = <Asked extends Pick<Ask, 'scopes'>>(asked: Asked): Asked =>
    typeof extended === 'object' ? { ...asked, scopes: [] } : asked;
  return digestOfAsk(counted(request), extended) === digestOfAsk(counted(ask), ask.extends);
}
