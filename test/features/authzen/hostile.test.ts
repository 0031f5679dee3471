import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aProfile, EVALUATION } from './authzen-of.js';

const json = fc.jsonValue({ maxDepth: 4 });
const text = fc.oneof(
  fc.constantFrom('', ' ', '*', '**', 'a:b', '~2A', '__proto__', 'constructor', 'x'.repeat(300)),
  fc.string({ unit: 'binary' }),
);
/** A member that is often well-formed, so that the bodies reach every part of the handler. */
const entity = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record(
      { type: text, id: text, name: text, properties: fc.dictionary(text, json) },
      { requiredKeys: ['type', 'id', 'name'] },
    ),
  },
  { weight: 1, arbitrary: json },
);
const body = fc.record(
  {
    subject: entity,
    resource: entity,
    action: entity,
    context: fc.oneof(fc.dictionary(text, json), json),
    page: fc.oneof(fc.record({ token: text, limit: fc.integer({ min: -1, max: 3 }) }), json),
    evaluations: fc.oneof(
      fc.array(fc.record({ subject: entity, resource: entity, action: entity }, { requiredKeys: [] }), { maxLength: 3 }),
      json,
    ),
    options: fc.oneof(fc.record({ evaluations_semantic: fc.constantFrom('execute_all', 'deny_on_first_deny', 'x') }), json),
    denial: fc.oneof(
      fc.record({ binding_token: text, expires_at: fc.constantFrom('2026-01-01T00:00:00Z', 'x'), evaluation_id: text }),
      json,
    ),
    requested_access: json,
    client: json,
  },
  { requiredKeys: [] },
);

describe('A.1 hostile bodies', () => {
  it('A.1 no body gives access, a failure or a decision beside an error', async () => {
    const { store, told, send } = aProfile();
    const endpoints = ['/evaluation', '/evaluations', '/search/subject', '/search/resource', '/search/action', '/requests'];
    const statuses = new Set<number>();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...endpoints),
        fc.oneof({ weight: 5, arbitrary: body }, { weight: 1, arbitrary: json }),
        async (endpoint, given) => {
          const answer = await send(endpoint, JSON.stringify(given));
          statuses.add(answer.status);
          expect([200, 400]).toContain(answer.status);
          expect(answer.text).not.toContain('"decision":true');
          if (answer.status !== 200) expect(answer.text).not.toContain('decision"');
          if (endpoint === '/requests') expect(answer.headers.get('content-type')).toBe('application/problem+json');
        },
      ),
      { numRuns: 3_000 },
    );
    expect([...statuses].sort()).toEqual([200, 400]);
    expect(told).toEqual([]);
    expect(store.calls.filter(({ method }) => method === 'commit')).toEqual([]);
    expect((await send('/evaluation', EVALUATION)).status).toBe(200);
  });

  it('A.1 names of Object.prototype are data', async () => {
    const { send } = aProfile();
    const given = JSON.parse(
      '{"subject":{"type":"__proto__","id":"constructor"},"resource":{"type":"toString","id":"__proto__"},"action":{"name":"valueOf"}}',
    ) as object;
    const answer = await send('/evaluation', { ...given, context: JSON.parse('{"__proto__":{"admin":true}}') as object });
    expect([answer.status, answer.body['decision']]).toEqual([200, false]);
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });
});
