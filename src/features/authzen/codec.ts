import { decodeScope, encodeScope } from '../../core/encode-scope.js';
import { isActor } from '../../core/parse.js';
import type { AuthzenEntity } from './messages.js';

/**
 * Maps the entities of AuthZEN to ids and scopes of the engine, and back. Each function returns `undefined` for a value that it cannot
 * express: such an entity is unknown, and an evaluation of it is denied.
 */
export interface AuthzenCodec {
  /** The id of a subject. Different types and ids must give different ids. */
  encodeSubject(subject: Pick<AuthzenEntity, 'type' | 'id'>): string | undefined;
  /** The subject of an id, for the subject search. */
  decodeSubject(id: string): Pick<AuthzenEntity, 'type' | 'id'> | undefined;
  /** The scope of an action on a resource. Different triples must give different scopes, and never a pattern. */
  encodeScope(resource: Pick<AuthzenEntity, 'type' | 'id'>, action: string): string | undefined;
  /** The resource and the action of a scope, for the resource search and the action search. */
  decodeScope(scope: string): { readonly resource: Pick<AuthzenEntity, 'type' | 'id'>; readonly action: string } | undefined;
}

/**
 * The codec that applies unless the option `codec` names another. It is injective.
 *
 * - A subject is `<type>:<id>`. The type is escaped as in a scope, so it contains no `:`. The id stays as it is.
 * - A scope is `<type>:<id>:<action>`, one segment each: the form of `encodeScope`, in which each byte outside `A-Za-z0-9_.@/+=-` becomes
 *   `~XX`.
 *
 * Ids of subjects compare byte for byte. An empty part, a scope longer than 256 characters after the escape, a subject longer than 256
 * characters, and a subject that is not in NFC are unknown.
 */
export const defaultCodec: AuthzenCodec = Object.freeze<AuthzenCodec>({
  encodeSubject({ type, id }) {
    const prefix = encodeParts(type);
    if (prefix === undefined || id === '') return undefined;
    const subject = `${prefix}:${id}`;
    return isActor(subject) ? subject : undefined;
  },
  decodeSubject(subject) {
    const colon = subject.indexOf(':');
    const [type] = colon === -1 ? [] : decodeParts(subject.slice(0, colon));
    const id = subject.slice(colon + 1);
    return type === undefined || id === '' ? undefined : { type, id };
  },
  encodeScope: ({ type, id }, action) => encodeParts(type, id, action),
  decodeScope(scope) {
    const [type, id, action, ...more] = decodeParts(scope);
    if (type === undefined || id === undefined || action === undefined || more.length > 0) return undefined;
    return { resource: { type, id }, action };
  },
});

function encodeParts(...parts: readonly string[]): string | undefined {
  if (parts.includes('')) return undefined;
  try {
    return encodeScope(...parts);
  } catch {
    return undefined;
  }
}

function decodeParts(text: string): readonly string[] {
  try {
    const parts = decodeScope(text);
    return parts.includes('') ? [] : parts;
  } catch {
    return [];
  }
}
