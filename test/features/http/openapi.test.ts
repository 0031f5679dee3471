import { toJSONSchema } from 'zod/mini';
import { inputSchemaOf } from '../../../src/features/http/schemas/input-schema.js';
import { documents } from '../../../src/features/http/schemas/values.js';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import { describe, expect, it, vi } from 'vitest';
import { operations } from '../../../src/features/http/operations/index.js';
import { aService, type Body } from './world.js';

interface Described {
  readonly parameters: readonly { readonly name: string; readonly in?: string; readonly schema: object; readonly example?: unknown }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object; readonly example?: unknown }>> };
}

const served = async () => (await aService({ http: { basePath: '/access' } }).send('GET', '/openapi.json')).body;

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1, by an independent validator', async () => {
    const { valid, errors } = await new Validator().validate(await served());
    expect([valid, errors]).toEqual([true, undefined]);
  });

  it('names each operation once, with an answer, and with a body where the operation takes one', async () => {
    const { paths, servers } = await served();
    expect(servers).toEqual([{ url: '/access/v1' }]);
    for (const { id, method, path, body, status } of operations) {
      const described = paths?.[path]?.[method.toLowerCase()] as Body;
      expect([id, described.operationId, described.requestBody !== undefined]).toEqual([id, id, body !== undefined]);
      expect(Object.keys(described.responses ?? {})).toContain(String(status));
    }
  });

  it('leaves its answers open, because a generated client must survive a further field', async () => {
    const { components, paths } = await served();
    const { Json: _, ...answers } = components?.schemas ?? {};
    expect(
      JSON.stringify([answers, ...Object.values(paths ?? {}).map(({ get, post }) => [get?.responses, post?.responses])]),
    ).not.toContain('"additionalProperties":false');
  });

  it('describes the quorum and the terms of a request as its record has them', async () => {
    const { components } = await served();
    const { quorum, terms, end } = components?.schemas?.['Request']?.properties as Body;
    expect(Object.keys(quorum?.properties?.anyOf?.items?.properties ?? {})).toEqual(['groups', 'steps', 'denials']);
    expect(terms?.properties?.maxHolders?.items?.properties?.scopes).toEqual({
      type: 'array',
      items: { type: 'string', description: 'A scope, such as db-prod:write.' },
    });
    const variants = end?.anyOf as unknown as readonly Body[];
    expect(variants.map(({ properties, required }) => [properties?.status?.const, required])).toEqual([
      ['approved', ['status', 'cause', 'at', 'by', 'granted']],
      ['denied', ['status', 'cause', 'at', 'by']],
      ['cancelled', ['status', 'cause', 'at', 'by']],
      ['expired', ['status', 'cause', 'at', 'by']],
    ]);
  });

  it('refers only to components that it has', async () => {
    const document = await served();
    const text = JSON.stringify(document);
    const names = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name as string);
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => document.components?.schemas?.[name] === undefined)).toEqual([]);
    expect(text).not.toContain('$defs');
  });

  it('[WF28] has examples that are values of their schemas, one for each path parameter, and no template', async () => {
    const document = await served();
    const ajv = new Ajv({ strict: false });
    ajv.addSchema({ $id: 'document', ...document });
    const examples = operations.flatMap(({ path, method, id }) => {
      const { parameters, requestBody } = document.paths?.[path]?.[method.toLowerCase()] as unknown as Described;
      const json = requestBody?.content['application/json'];
      expect(parameters.filter((one) => one.in === 'path' && one.example === undefined).map(({ name }) => [id, name])).toEqual([]);
      return [...parameters, ...(json === undefined ? [] : [{ name: 'body', ...json }])].filter(({ example }) => example !== undefined);
    });
    const refer = (schema: object) => JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"document#/components')) as object;
    const wrong = examples.filter(
      ({ schema, example }) => !ajv.validate(refer(schema), example) || /\{\w+\}/.test(JSON.stringify(example)),
    );
    expect(wrong.map(({ name, example }) => [name, example])).toEqual([]);
    expect(examples.length).toBeGreaterThan(30);
  });

  it('[WF33] calls the numbers of queries integers, and gives each schema a name', async () => {
    const document = await served();
    const queries = operations.flatMap(({ path, method }) =>
      (document.paths?.[path]?.[method.toLowerCase()] as unknown as Described).parameters.filter((one) => one.in === 'query'),
    );
    const numbers = queries.filter(({ name }) => ['limit', 'from', 'to', 'at'].includes(name));
    expect(numbers.length).toBeGreaterThan(8);
    expect(numbers.map(({ schema }) => (schema as { type?: unknown }).type)).toEqual(numbers.map(() => 'integer'));
    expect(Object.keys(document.components?.schemas ?? {}).filter((name) => name.startsWith('_'))).toEqual([]);
  });

  it('[WF21] is written once, also for a client that has it, and without a caller', async () => {
    const { send } = aService({ http: { basePath: '/written-once' } });
    const first = await send('GET', '/openapi.json');
    const stringify = vi.spyOn(JSON, 'stringify');
    const again = await send('GET', '/openapi.json');
    const known = await send('GET', '/openapi.json', { headers: { 'if-none-match': first.headers.get('etag') ?? '' } });
    const written = stringify.mock.calls.filter(([value]) => typeof value === 'object');
    stringify.mockRestore();
    expect([again.text === first.text, known.status, written]).toEqual([true, 304, []]);
  });

  it('gives an example for each body', async () => {
    const { paths } = await served();
    const bodies = operations.filter(({ body }) => body !== undefined);
    const without = bodies.filter(
      ({ path, method }) => paths?.[path]?.[method.toLowerCase()]?.requestBody?.content?.['application/json']?.example === undefined,
    );
    expect(without.map(({ id }) => id)).toEqual([]);
  });
});

describe('the schema of what a call takes', () => {
  const ofCalls = operations.flatMap(({ id, query, body }) =>
    [query, body].flatMap((made) => (made === undefined ? [] : [[id, made] as const])),
  );

  it.each(ofCalls)('is the one that zod writes: %s', (_, made) => {
    const names: Record<string, unknown> = {};
    const refer = (name: string, schema: () => unknown) => {
      if (!Object.hasOwn(names, name)) {
        names[name] = undefined;
        names[name] = schema();
      }
      return { $ref: `#/$defs/${name}` };
    };
    const own = JSON.stringify(inputSchemaOf(made(), refer));
    const {
      $schema,
      $defs = {},
      ...zods
    } = toJSONSchema(made(), { metadata: documents, io: 'input', reused: 'inline', unrepresentable: 'any' });
    expect($schema).toContain('2020-12');
    expect(own).toBe(JSON.stringify(zods));
    expect(names).toEqual(Object.fromEntries(Object.entries($defs).map(([name, { id: _id, ...schema }]) => [name, schema])));
  });
});
