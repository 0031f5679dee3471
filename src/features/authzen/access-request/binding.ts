import { sha256 } from '@noble/hashes/sha2.js';
import { toBase64Url } from '../../../core/base64.js';
import type { JsonObject, JsonValue } from '../../../model/json.js';
import { canonicalJson } from '../../../journal/link.js';
import { isObject } from '../../../records/index.js';
import { memberOf, type AuthzenEntity, type AuthzenEvaluation } from '../messages.js';

/** The members of a context that the profile itself uses. They never belong to a bound tuple. */
const MACHINERY = ['access_request', 'evaluation_id', 'evaluated_at', 'reason', 'approval'];

/** The tuple that a binding covers: one resource and action, or the items of a bulk request. */
export type BoundTuple = Pick<AuthzenEvaluation, 'subject' | 'context'> &
  (Pick<AuthzenEvaluation, 'resource' | 'action'> | { readonly items: readonly Pick<AuthzenEvaluation, 'resource' | 'action'>[] });

/**
 * The members of a context that a binding covers.
 *
 * @param only the members that may count. Default: all
 */
export function boundMembers(context: JsonObject | undefined, only?: readonly string[]): readonly string[] {
  return Object.keys(context ?? {})
    .filter((name) => !MACHINERY.includes(name) && (only === undefined || only.includes(name)))
    .sort();
}

/**
 * The `binding_hash` of the approval profile: base64url without padding of SHA-256 over the RFC 8785 form of the tuple.
 *
 * `subject.properties.act` does not count, because a client may move it to `client.actor`. Properties that are empty without it count as
 * absent: the examples of the profile agree with this form, and not with `properties: {}`.
 *
 * @param members the members of the context that count. Default: all except those of the profile itself
 */
export function bindingHash(tuple: BoundTuple, members: readonly string[] = boundMembers(tuple.context)): string {
  return hashOf(tuple, members, 'drop');
}

/** Whether a hash is that of a tuple. Accepts both forms of a subject whose only property is `act`: both name the same tuple. */
export function isBindingHash(hash: string, tuple: BoundTuple, members: readonly string[]): boolean {
  return hash === hashOf(tuple, members, 'drop') || hash === hashOf(tuple, members, 'keep');
}

/**
 * Compares two tuples member by member, as the profile demands: the same types, numbers by their RFC 8785 form, strings by code point,
 * arrays in order, and the same members. An absent member is not `null`.
 */
export function isSameTuple(a: BoundTuple, b: BoundTuple, members: readonly string[]): boolean {
  return textOf(a, members, 'drop') === textOf(b, members, 'drop');
}

/** What to do with properties of the subject that are empty without `act`. */
type Emptied = 'drop' | 'keep';

const hashOf = (tuple: BoundTuple, members: readonly string[], emptied: Emptied): string =>
  toBase64Url(sha256(new TextEncoder().encode(textOf(tuple, members, emptied))));

function textOf(tuple: BoundTuple, members: readonly string[], emptied: Emptied): string {
  const { subject, context = {} } = tuple;
  const bound = members.filter((name) => !MACHINERY.includes(name) && Object.hasOwn(context, name));
  const access =
    'items' in tuple
      ? { items: tuple.items.map(({ resource, action }) => ({ resource: entityOf(resource), action: entityOf(action) })) }
      : { resource: entityOf(tuple.resource), action: entityOf(tuple.action) };
  return canonicalJson({
    subject: withoutAct(subject, emptied),
    ...access,
    context: Object.fromEntries(bound.map((name) => [name, context[name] as JsonValue])),
  });
}

/** Without members that are `undefined`, which JSON does not know. */
const entityOf = (entity: object): object => Object.fromEntries(Object.entries(entity).filter(([, value]) => value !== undefined));

/** `null`: the subject acts for itself. */
export const actOf = ({ properties }: AuthzenEntity): JsonValue => (properties && memberOf(properties, 'act')) ?? null;

/** A subject with the `act` of another evaluation. */
export function withAct(subject: AuthzenEntity, act: JsonValue): AuthzenEntity {
  const own = withoutAct(subject);
  return act === null ? own : { ...own, properties: { ...own.properties, act } };
}

/** The part of a subject that counts in a comparison. */
export function withoutAct({ properties, ...rest }: AuthzenEntity, emptied: Emptied = 'drop'): AuthzenEntity {
  if (!isObject(properties)) return rest;
  const kept = Object.fromEntries<JsonValue>(Object.entries(properties).filter(([name]) => name !== 'act'));
  return Object.keys(kept).length === 0 && emptied === 'drop' ? rest : { ...rest, properties: kept };
}
