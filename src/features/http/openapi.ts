import type * as z from 'zod/mini';
import type { JsonObject, JsonValue } from '../../model/json.js';
import { count, optional, struct, text } from '../../records/fields.js';
import type { Operation } from './operation.js';
import { about, named, schemaOf, type AnyAnswer } from './schemas/json-schema.js';
import { person } from './schemas/answers.js';
import { inputSchemaOf, type JsonSchema } from './schemas/input-schema.js';

/* The OpenAPI document, made from the operations and their schemas. */

const PROBLEM = { $ref: '#/components/schemas/Problem' };
const problem = named(
  'Problem',
  struct<{
    readonly type: string;
    readonly title: string;
    readonly status: number;
    readonly detail: string;
    readonly code: string | undefined;
  }>()({
    type: about('urn:jit-access:problem:<name>', text),
    title: text,
    status: count,
    detail: text,
    code: about('The code of the error of the library, such as ERR_JIT_DECIDED.', optional(text)),
  }),
);

/** The values of the examples in the document. In a test, those of the test's world take their place. */
const EXAMPLES: Readonly<Record<string, JsonValue>> = {
  requestId: 'c1f0a3b2d4e5968778695a4b3c2d1e0f',
  grantId: 'c1f0a3b2d4e5968778695a4b3c2d1e0f.1',
  breakGlassId: '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
  lockId: '9f8e7d6c5b4a39281706f5e4d3c2b1a0',
  token: 'the-token-of-an-approval-link',
  from: 1_767_225_600_000,
  to: 1_769_904_000_000,
};

/** An example with the value in the place of each `{name}`. */
const withValues = <T>(example: T): T =>
  JSON.parse(JSON.stringify(example), (_, value: unknown) =>
    typeof value === 'string' ? (EXAMPLES[value.slice(1, -1)] ?? value) : value,
  ) as T;

/** The OpenAPI 3.1 document of the operations. @param server the URL under which they are served */
export function openApiOf(operations: readonly Operation[], server: string): JsonObject {
  const schemas = new Schemas();
  schemas.answer(problem);
  const paths: Record<string, Record<string, unknown>> = {};
  for (const declared of operations) {
    const path = (paths[declared.path] ??= {});
    path[declared.method.toLowerCase()] = described(declared, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'jit-access',
      version: '1',
      description: 'Just-in-time privileged access. Instants are epoch milliseconds. Errors are RFC 9457 problems.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: server }],
    security: [{ session: [] }],
    tags: [...new Set(operations.map(({ area }) => area))].map((name) => ({ name })),
    paths,
    components: {
      schemas: schemas.all,
      securitySchemes: {
        session: { type: 'http', scheme: 'bearer', description: 'The service authenticates the caller in its own way.' },
      },
    },
  } as unknown as JsonObject;
}

function described(declared: Operation, schemas: Schemas): JsonObject {
  const { id, method, area, summary, access, body, keyed, namesPeople, status, answer, example } = declared;
  const isStream = id === 'events';
  const schema = schemas.answer(answer);
  const content = isStream
    ? { 'text/event-stream': { schema: { type: 'string' } } }
    : { 'application/json': { schema: namesPeople ? { allOf: [schema, schemas.people()] } : schema } };
  const failure = (description: string) => ({ description, content: { 'application/problem+json': { schema: PROBLEM } } });
  return {
    operationId: id,
    tags: [area],
    summary,
    ...(access === 'open' ? { security: [] } : {}),
    parameters: parametersOf(declared, schemas),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              'application/json': { schema: schemas.input(body()), ...(example.body && { example: withValues(example.body) }) },
            },
          },
        }),
    responses: {
      [status]: { description: 'Success.', content },
      ...(keyed ? { 200: { description: 'An earlier call with this key did it.', content } } : {}),
      ...(method === 'GET' && !isStream && access !== 'open' ? { 304: { description: 'The client has the present version.' } } : {}),
      ...(access === 'open' ? {} : { 401: failure('The caller is not authenticated.') }),
      default: failure('An error: its `type` says which.'),
    },
  } as unknown as JsonObject;
}

function parametersOf({ method, path, query, keyed, namesPeople, example }: Operation, schemas: Schemas) {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
  const inPath = names.map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
    ...(example.path?.[name] === undefined ? {} : { example: withValues(example.path[name]) }),
  }));
  const inQuery = Object.entries(query?.().shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !(schema as z.ZodMiniType).safeParse(undefined).success,
    schema: schemas.input(schema as z.ZodMiniType),
    ...(example.query?.[name] === undefined ? {} : { example: withValues(example.query[name]) }),
  }));
  const key = { name: 'Idempotency-Key', in: 'header', required: false, schema: { type: 'string', minLength: 1, maxLength: 256 } };
  const people = { name: 'people', in: 'query', required: false, schema: { type: 'string', enum: ['true', 'false'] } };
  const caller = { name: 'Jit-Caller', in: 'header', required: false, schema: { type: 'string' } };
  return [...inPath, ...inQuery, ...(namesPeople ? [people] : []), ...(keyed ? [key] : []), ...(method === 'POST' ? [caller] : [])];
}

/** The JSON schemas, with those that have a name as components. */
class Schemas {
  readonly all: Record<string, unknown> = {};

  /** The schema of a body or of a value of a query. */
  input(schema: z.ZodMiniType): JsonSchema {
    return inputSchemaOf(schema, (name, made) => {
      if (!Object.hasOwn(this.all, name)) {
        // Before it is made, because it may refer to itself.
        this.all[name] = undefined;
        this.all[name] = made();
      }
      return { $ref: `#/components/schemas/${name}` };
    });
  }

  /** What `people=true` adds to a read. */
  people(): unknown {
    return { type: 'object', properties: { people: { type: 'object', additionalProperties: this.answer(person) } } };
  }

  answer(field: AnyAnswer): unknown {
    return schemaOf(field, (name, schema) => {
      this.all[name] ??= schema();
      return { $ref: `#/components/schemas/${name}` };
    });
  }
}
