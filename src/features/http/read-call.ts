import * as z from 'zod/mini';
import type { JsonObject } from '../../model/json.js';
import { InvalidArgumentError } from '../../core/errors.js';
import { nearest } from '../../core/misspelt.js';
import { isId, invalid, show } from '../../core/parse.js';
import type { Clock } from '../../core/ports.js';
import type { Operation } from './operation.js';
import { ownProblem } from './problem.js';
import { keyIn } from '../json-body/idempotency-key.js';
import { headerOf } from '../json-body/headers.js';
import { targetOf } from '../json-body/request-url.js';
import { BodyError, readJsonObject } from '../json-body/read-body.js';

/** How long the body of a call may take to arrive. Milliseconds. */
const BODY_MS = 10_000;

/** Made at the first call, as the schemas of the operations. */
let noQuery: z.ZodMiniObject | undefined;

/** The query, the body and the key of a call, validated. @throws InvalidArgumentError, HttpError */
export async function readCall(request: Request, operation: Operation, clock: Clock) {
  const given = targetOf(request).query;
  const isEmpty = given === '' && operation.query === undefined;
  const fields = given === '' ? {} : readQuery(given);
  const people = operation.namesPeople && readPeople(fields);
  const query = isEmpty ? {} : parse(operation.query?.() ?? (noQuery ??= z.strictObject({})), fields);
  const body = operation.body === undefined ? undefined : parse(operation.body(), await readBody(request, clock));
  return { query, body, key: readKey(request, operation), people };
}

/** Each name once: two readers of a repeated name may use different values. */
function readQuery(query: string): Record<string, string> {
  const read: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of new URLSearchParams(`?${query}`)) {
    if (name in read) throw invalid('query', 'a query that has each name once', name);
    read[name] = value;
  }
  return read;
}

/** Takes `people` out of the query: every read has it, and no operation decides about it. @throws InvalidArgumentError */
function readPeople(fields: Record<string, string>): boolean {
  const people = fields['people'] ?? 'false';
  if (people !== 'true' && people !== 'false') throw invalid('people', 'one of true, false', people);
  delete fields['people'];
  return people === 'true';
}

async function readBody(request: Request, clock: Clock): Promise<JsonObject> {
  try {
    const body = await readJsonObject(request, { clock, timeoutMs: BODY_MS });
    if (namesPrototype(body)) throw new BodyError(400, 'the body has a member named __proto__');
    return body;
  } catch (error) {
    if (error instanceof BodyError) throw ownProblem(BODY_PROBLEMS[error.status], { detail: `${error.message}.`, headers: error.headers });
    throw error;
  }
}

/** Whether an object in the value has a member by which code that copies members would set a prototype. */
const namesPrototype = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (Object.hasOwn(value, '__proto__') || Object.values(value).some(namesPrototype));

const BODY_PROBLEMS = { 400: 'invalid-body', 408: 'slow-body', 413: 'too-large', 415: 'unsupported-media-type' } as const;

function readKey(request: Request, { keyed }: Operation): string | undefined {
  const key = keyed ? keyIn(headerOf(request, 'idempotency-key')) : undefined;
  if (key === undefined) return undefined;
  if (!isId(key)) throw invalid('Idempotency-Key', '1-256 visible characters', key);
  return key;
}

/** The first problem of the schema, as the engine would name it. */
function parse(schema: z.ZodMiniType, given: JsonObject): unknown {
  const read = schema.safeParse(given, { reportInput: true });
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  if (issue === undefined) throw invalid('body', 'valid', given);
  if (issue.code === 'unrecognized_keys') throw unknownField(schema, issue.keys[0] ?? '');
  throw new InvalidArgumentError(pathOf(issue.path), ruleOf(issue), show(issue.input));
}

/** The fields of a query and of a body are flat. */
function unknownField(schema: z.ZodMiniType, field: string): InvalidArgumentError {
  const fields = Object.keys((schema as z.ZodMiniObject).shape);
  const meant = nearest(field, fields);
  const known = fields.length === 0 ? 'no fields' : `only ${fields.join(', ')}`;
  return invalid(field, `omitted${meant === undefined ? '' : `, or spelled ${meant}`}: this call has ${known}`, field);
}

const pathOf = (path: readonly PropertyKey[]): string =>
  path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? String(part) : `.${String(part)}`)).join('') || 'body';

/** The rule that a value must meet, for the sentence "x must be ...". */
function ruleOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'given' : `of the type ${issue.expected}`;
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `at least ${String(issue.minimum)}${issue.origin === 'string' ? ' characters long' : issue.origin === 'array' ? ' items long' : ''}`;
    case 'too_big':
      return `at most ${String(issue.maximum)}${issue.origin === 'string' ? ' characters long' : issue.origin === 'array' ? ' items long' : ''}`;
    default:
      // Written in the schema: see `values.ts`.
      return issue.message;
  }
}
