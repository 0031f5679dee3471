import { quote } from '../core/parse.js';
import type { JsonValue } from '../model/json.js';
import type { UnlinkedEntry } from '../records/index.js';
import { isInstant } from '../core/instant.js';
import { formatDuration } from '../core/duration.js';

/**
 * Formats an entry as one line for people: ISO time in UTC, type, actor, then `name=value` for each field.
 *
 * The line omits a value that it shows already (the actor, the time, earlier reviews), versions, and `false`. Any value that
 * is not plain is quoted and escaped: no id and no justification can break the line, colour it, reorder it or forge a field.
 *
 * @example
 * formatEntry(entry); // 2026-03-14T02:16:07.000Z grant.revoked     user:sam grant=r81.1 status=revoked cause=revoked reason="done early"
 */
export function formatEntry(entry: UnlinkedEntry): string {
  const { at, type, actor } = entry;
  const fields = fieldsOf(entry).flatMap(([name, value]) =>
    value === undefined || value === null || isShown(name, value, entry) ? [] : [field(name, value)],
  );
  return [time(at), plain(type).padEnd(17), plain(actor), ...fields].join(' ');
}

type Field = readonly [name: string, value: JsonValue | undefined];

/** The ids of an entry, and its fields for people. */
function fieldsOf({ namespace, requestId, grantId, data }: UnlinkedEntry): readonly Field[] {
  const shown = Object.entries(data).filter(([name, value]) => !FOR_PROGRAMS.test(name) && (value !== false || name === 'held'));
  return [
    ['namespace', namespace === 'default' ? undefined : namespace],
    // A grant's id begins with its request's.
    grantId === undefined ? ['request', requestId] : ['grant', grantId],
    ...shown.flatMap(partsOf),
  ];
}

/** An object is shown by its parts. The end of an approved request says which access it gave. */
function partsOf([name, value]: Field): readonly Field[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[name, value]];
  const prefix = name === 'end' || name === 'review' || name === 'outcome' ? '' : `${name}.`;
  return Object.entries(value).flatMap(([inner, part]) =>
    name === 'end' && inner === 'granted' ? partsOf([inner, part]) : [[prefix + inner, part]],
  );
}

/** Whether the line shows a value already, or there is nothing to show. */
const isShown = (name: string, value: JsonValue, { actor, at }: UnlinkedEntry): boolean =>
  (value === actor && PERSON.test(name)) || (value === at && INSTANT.test(name)) || (Array.isArray(value) && value.length === 0);

/** Fields for programs: versions, digests of other fields, and the reviews, which earlier entries show. */
const FOR_PROGRAMS = /[vV]ersion$|^(?:reviews|provisioningId)$/;
const PERSON = /(?:subject|[bB]y|reviewer)$/;
const INSTANT = /(?:At|By|\bat|before)$/;

function field(name: string, value: JsonValue): string {
  if (isInstant(value) && INSTANT.test(name)) return `${plain(name)}=${time(value)}`;
  if (isInstant(value) && name.endsWith('Ms')) return `${plain(name.slice(0, -2))}=${formatDuration(value)}`;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return `${plain(name)}=${value.map(plain).join(',')}`;
  return `${plain(name)}=${typeof value === 'string' ? plain(value) : quote(value)}`;
}

/** Quotes every text but ids, scopes and words, which hold neither a comma nor a space. */
const plain = (text: string): string => (/^[\w.~@/+:-]+$/.test(text) ? text : quote(text));

const time = (at: unknown): string => (isInstant(at) ? new Date(at).toISOString() : 'no-time');
