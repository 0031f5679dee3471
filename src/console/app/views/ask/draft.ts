import type { AskProblem } from '../../../../index.js';
import type { AskInput } from '../../../../client.js';
import { hasFields, isOneOf, isRecordOf, isText } from '../../frame/shape.js';
import { newKey } from '../../frame/use-key.js';
import { isOpen, lengthsOf, type Choice } from './choices.js';
import type { FieldProblem } from './problems.js';

/* What a person has written into the form, and what of it is sent. */

/** The texts of the form. They are kept for the time of a sign-in, so every field is plain. */
export interface AskDraft {
  readonly scope: string;
  /** For whom. Empty: the caller. */
  readonly subject: string;
  /** A text such as `30m`. */
  readonly ttl: string;
  /** When the access starts, as an input `datetime-local` gives it. Empty: at the decision. */
  readonly start: string;
  readonly justification: string;
  readonly ticket: string;
  /** By the names of the problems, such as `metadata.environment`. */
  readonly fields: Readonly<Record<string, string>>;
  /** The fields that are no texts, as the problems of an earlier try said. */
  readonly types: Readonly<Record<string, 'number' | 'boolean'>>;
  /** The key of the send, kept with the values: a repeat after a lost answer makes no second request. */
  readonly key: string;
}

const isDraft = hasFields({
  scope: isText,
  subject: isText,
  ttl: isText,
  start: isText,
  justification: isText,
  ticket: isText,
  fields: isRecordOf(isText),
  types: isRecordOf(isOneOf('number', 'boolean')),
  key: isText,
});

/** What was kept, if it has the shape of this version. */
export const readDraft = (kept: unknown): AskDraft | undefined => (isDraft(kept) ? (kept as AskDraft) : undefined);

/** The inputs that every form has. A problem of any other field is shown above the form. */
export const FIELDS: readonly string[] = ['scope', 'subject', 'ttl', 'startsAt', 'justification', 'ticket'];

const DURATION = /^(?=\d)(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/;
const UNITS_MS = [86_400_000, 3_600_000, 60_000, 1_000];

/** The milliseconds of a text such as `1h30m`. `undefined`: the text is not a duration. */
export function lengthMs(text: string): number | undefined {
  const parts = DURATION.exec(text.trim());
  return parts === null ? undefined : UNITS_MS.reduce((sum, unit, index) => sum + unit * Number(parts[index + 1] ?? 0), 0);
}

/** The begin of a pattern: what each scope within it has. */
const beginOf = ({ scope }: Pick<Choice, 'scope'>): string => scope.slice(0, scope.indexOf('*'));

/** A new form for a choice, with the shortest useful window. */
export const newDraft = (choice: Choice, { scope, ttl }: Addressed = {}): AskDraft => ({
  scope: !isOpen(choice) ? choice.scope : scope === undefined || scope === choice.scope ? beginOf(choice) : scope,
  subject: '',
  ttl: ttl ?? (lengthsOf(choice)[0] as string),
  start: '',
  justification: '',
  ticket: '',
  fields: {},
  types: {},
  key: newKey(),
});

/** The draft with other values, and with another key: the same key with other values would be refused. */
export const changed = (draft: AskDraft, values: Partial<AskDraft>): AskDraft => ({ ...draft, ...values, key: newKey() });

/** What an address may fill. */
export interface Addressed {
  readonly scope?: string;
  readonly ttl?: string;
}

/** What an address fills: only the scope and the window. A text that another person wrote never reaches the form. */
export function addressed(query: URLSearchParams): Addressed {
  const [scope, ttl] = [query.get('scope'), query.get('ttl')];
  return { ...(scope && { scope }), ...(ttl !== null && lengthMs(ttl) !== undefined && { ttl }) };
}

/** The ask of a draft. Empty fields are not sent. */
export function askOf({ scope, subject, ttl, start, justification, ticket, fields, types }: AskDraft): AskInput {
  const given = Object.entries(fields).filter(([, value]) => value.trim() !== '');
  const startsAt = start === '' ? undefined : new Date(start).getTime();
  return {
    scope: scope.trim(),
    ttl: ttl.trim() as '30m',
    ...(subject.trim() && { subject: subject.trim() }),
    ...(startsAt !== undefined && { startsAt }),
    ...(justification.trim() && { justification: justification.trim() }),
    ...(ticket.trim() && { ticket: ticket.trim() }),
    ...(given.length > 0 && {
      metadata: Object.fromEntries(given.map(([field, value]) => [nameOf(field), typed(value.trim(), types[field])])),
    }),
  };
}

/** A text that is no value of the type is sent as it is: the API says what it takes. */
function typed(value: string, type: 'number' | 'boolean' | undefined): string | number | boolean {
  if (type === 'number' && Number.isFinite(Number(value))) return Number(value);
  return type === 'boolean' && (value === 'true' || value === 'false') ? value === 'true' : value;
}

/** The draft with the types that problems name. `undefined`: they name no new one, so another try would be the same. */
export function retyped(draft: AskDraft, problems: readonly FieldProblem[]): AskDraft | undefined {
  const named = problems.flatMap(({ field, code, limit }) =>
    code === 'malformed' && (limit === 'number' || limit === 'boolean') && draft.types[field] === undefined
      ? [[field, limit] as const]
      : [],
  );
  return named.length === 0 ? undefined : changed(draft, { types: { ...draft.types, ...Object.fromEntries(named) } });
}

const nameOf = (field: string): string => field.replace(/^metadata\./, '');

/** The required fields that are empty, as the problems that the engine would return. */
export const emptyFields = (choice: Choice, { scope, ttl, justification, ticket, fields }: AskDraft): readonly AskProblem[] =>
  (
    [
      ['scope', true, isOpen(choice) && scope.trim() === beginOf(choice) ? '' : scope],
      ['ttl', true, ttl],
      ['justification', choice.needs.justification, justification],
      ['ticket', choice.needs.ticket !== undefined, ticket],
      ...choice.needs.fields.map(({ field }) => [field, true, fields[field] ?? ''] as const),
    ] as const
  ).flatMap(([field, isNeeded, value]) => (isNeeded && value.trim() === '' ? [{ field, code: 'missing' as const }] : []));

/** The problems by the input that shows them. Problems of the window's end belong to its length. */
export function byField<P extends { readonly field: string }>(
  problems: readonly P[],
  shown: readonly string[],
): ReadonlyMap<string, readonly P[]> {
  const map = new Map<string, P[]>();
  for (const problem of problems) {
    const named = problem.field === 'until' ? 'ttl' : problem.field.replace(/^scopes\b.*/, 'scope');
    const field = shown.includes(named) ? named : '';
    map.set(field, [...(map.get(field) ?? []), problem]);
  }
  return map;
}
