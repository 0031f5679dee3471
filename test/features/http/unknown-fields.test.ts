import { describe, expect, it } from 'vitest';
import { operations } from '../../../src/features/http/operations/index.js';
import { aService, BASE, MAYA, SCOPE } from './world.js';

type Shape = { readonly shape?: object } | undefined;

const { handler } = aService();
const send = async (path: string, method = 'GET', body?: object) => {
  const headers = { 'x-user': MAYA, 'content-type': 'application/json' };
  const response = await handler(
    new Request(`${BASE}/v1${path}`, { method, headers, body: body === undefined ? null : JSON.stringify(body) }),
  );
  const { detail } = (await response.json()) as { readonly detail?: string };
  return [response.status, detail];
};

describe('[A18] an unknown field of a call', () => {
  it('is answered with the known fields, and with the field that is meant if one is close', async () => {
    const known =
      'this call has only subject, scope, scopes, ttl, until, justification, ticket, metadata, correlation, startsAt, dryRun; got "';
    expect(await send('/requests', 'POST', { scope: SCOPE, tll: '30m' })).toEqual([
      400,
      `tll must be omitted, or spelled ttl: ${known}tll"`,
    ]);
    expect(await send('/requests', 'POST', { scope: SCOPE, duration: '30m' })).toEqual([
      400,
      `duration must be omitted: ${known}duration"`,
    ]);
    expect(await send('/me?colour=red')).toEqual([
      400,
      expect.stringMatching(/^colour must be omitted: this call has (?:no fields|only .*); got "colour"$/),
    ]);
  });

  it.each(operations.map(({ id, query, body }) => [id, [query, body]] as const))('of %s has known fields in its schema', (_, schemas) => {
    for (const schema of schemas) if (schema !== undefined) expect(Object.keys((schema() as Shape)?.shape ?? {})).not.toEqual([]);
  });
});
