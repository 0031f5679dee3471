import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { operations } from '../../../src/features/http/operations/index.js';
import { aService, type Body } from './world.js';

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

  it('refers only to components that it has', async () => {
    const document = await served();
    const text = JSON.stringify(document);
    const names = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name as string);
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => document.components?.schemas?.[name] === undefined)).toEqual([]);
    expect(text).not.toContain('$defs');
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
