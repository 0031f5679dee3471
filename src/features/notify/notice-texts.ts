import type { JsonObject, JsonValue } from '../../model/json.js';
import type { AccessRequest, AuditEntry, Grant } from '../../records/index.js';
import { isObject } from '../../records/index.js';
import { isInstant } from '../../core/instant.js';
import { formatDuration } from '../../core/duration.js';
import type { Phrase } from './notice.js';
import { name, names, remark, say, words } from './phrase.js';

/** What a message is made from: the entry, and the present state of its records. */
export interface NoticeRecords {
  readonly entry: AuditEntry;
  /** `undefined` if a purge removed it, or the entry has no request. */
  readonly request: AccessRequest | undefined;
  readonly grants: readonly Grant[];
  /** The grant that the entry names. */
  readonly grant: Grant | undefined;
  /** Formats an instant. */
  readonly time: (at: JsonValue | undefined) => Phrase;
}

/*
 * Entries come from a store, and from later versions of this package. A field that is missing or malformed is omitted
 * from the message, and the message is still sent.
 */

export const textIn = (data: JsonObject, field: string): string | undefined => {
  const value = data[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

export function partOf(data: JsonObject, field: string): JsonObject {
  const value = data[field];
  return isObject(value) && !Array.isArray(value) ? (value as JsonObject) : {};
}

export function listIn(data: JsonObject, field: string): readonly JsonValue[] {
  const value = data[field];
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}

export const textsIn = (data: JsonObject, field: string): readonly string[] =>
  listIn(data, field).filter((item) => typeof item === 'string' && item !== '') as readonly string[];

/** Each id once, in order. */
export const people = (...ids: readonly (string | undefined)[]): readonly string[] =>
  [...new Set(ids.filter((id) => id !== undefined && id !== ''))] as readonly string[];

/** The subject, and the requester who asked on its behalf. */
export const concerned = (request: AccessRequest | undefined, subject?: string): readonly string[] =>
  people(request?.subject ?? subject, request?.requestedBy);

/** The request, by its subject and scopes. */
export function requestOf({ request, entry }: NoticeRecords): Phrase {
  if (request === undefined) return say`Request ${name(entry.requestId ?? '')}`;
  return say`${name(request.subject)}'s request for ${names(request.scopes)}`;
}

/** The lines that say who asked, with which justification and ticket, and which grant the request extends. */
export function asking(request: AccessRequest | undefined): readonly (Phrase | undefined)[] {
  if (request === undefined) return [];
  const { requestedBy, subject, justification, ticket, extension, replaces } = request;
  return [
    requestedBy === subject ? undefined : say`asked by: ${name(requestedBy)}`,
    remarkLine('justification', justification),
    remarkLine('ticket', ticket),
    extension && say`extends: ${names(extension.grantIds)}`,
    replaces === undefined ? undefined : say`replaces the request: ${name(replaces)}`,
  ];
}

/** A text that a person wrote, on a line of its own. */
export const remarkLine = (what: string, text: string | undefined): Phrase | undefined =>
  text === undefined ? undefined : say`${words(what)}: ${remark(text)}`;

export const idLine = (what: 'request' | 'grant', id: string | undefined): Phrase | undefined =>
  id === undefined ? undefined : say`${words(what)}: ${name(id)}`;

/** All grants of a request have one window. */
export function windowOf({ grants, entry, time }: NoticeRecords): Phrase | undefined {
  const [grant] = grants;
  if (grant === undefined) return undefined;
  const until = say`until ${time(grant.expiresAt)}`;
  return grant.startsAt > entry.at ? say`access: from ${time(grant.startsAt)} ${until}` : say`access: ${until}`;
}

export const duration = (ms: number): Phrase => words(formatDuration(ms));

/** Formats an instant; any other value is an unknown time. */
export const timeBy =
  (format: (at: number) => string) =>
  (at: JsonValue | undefined): Phrase =>
    words(isInstant(at) ? format(at) : 'an unknown time');
