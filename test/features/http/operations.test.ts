import { describe, expect, it } from 'vitest';
import { operations } from '../../../src/features/http/operations/index.js';
import type { AnyAnswer } from '../../../src/features/http/schemas/json-schema.js';
import { exampleOf } from './examples.js';
import { aService, BASE, MAYA, SAM, SEC } from './world.js';

/** Who makes the call of each example, where it is neither maya nor a caller that `may` permits. */
const OF_REVIEWERS = ['inbox', 'approve', 'deny', 'listBreakGlassReviews', 'reviewBreakGlass', 'openApprovalLink', 'redeemApprovalLink'];

/** The first place in an answer that its closed schema refuses. */
function problemIn({ is, fields, list, optional }: AnyAnswer, value: unknown, place = 'body'): string | undefined {
  if (value === undefined && optional === true) return undefined;
  if (is(value)) return undefined;
  const inner =
    fields !== undefined
      ? [...new Set([...Object.keys(fields), ...Object.keys(value as object)])].map((name) => [name, fields[name]] as const)
      : ((value as unknown[] | undefined) ?? []).map((_, i) => [String(i), list] as const);
  const problems = inner.map(([name, field]) => {
    const at = `${place}.${name}`;
    return field === undefined ? `${at} is undeclared` : problemIn(field, (value as Record<string, unknown>)[name], at);
  });
  return problems.find((problem) => problem !== undefined) ?? place;
}

const all = operations.map((operation) => [operation.id, operation] as const);

describe('the access report', () => {
  it('covers 31 days a call, and names the begin of the next one', async () => {
    const { send, clock } = aService();
    const days = (count: number) => clock.now() + count * 86_400_000;
    const report = async (from: number, to: number) => {
      const { status, body } = await send('GET', `/access-report?from=${from}&to=${to}`, { as: SEC });
      return { status, from: body.from, to: body.to, next: body.next };
    };
    expect(await report(days(0), days(40))).toEqual({ status: 200, from: days(0), to: days(31), next: days(31) });
    expect(await report(days(31), days(40))).toEqual({ status: 200, from: days(31), to: days(40), next: undefined });
  });
});

describe('the operations', () => {
  it.each(all.filter(([id]) => id !== 'events'))('answer the example of %s with its status and its schema', async (id, operation) => {
    const { service, send } = await exampleOf(operation);
    const as = OF_REVIEWERS.includes(id) ? SAM : operation.access === 'may' ? SEC : MAYA;
    const { status, body } = await send({ as });
    expect([status, status === operation.status ? undefined : body]).toEqual([operation.status, undefined]);
    expect(problemIn(operation.answer, body)).toBeUndefined();
    expect(service.errors).toEqual([]);
  });

  it('stream the events of the example', async () => {
    const operation = operations.find(({ id }) => id === 'events');
    const { service, url } = await exampleOf(operation as (typeof operations)[number]);
    const response = await service.handler(new Request(`${BASE}/v1${url}`, { headers: { 'x-user': MAYA } }));
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    await service.engine.close();
    expect(await response.text()).toMatch(/^event: ready\ndata: \{\}\n\n$/);
  });

  it('have different names and different routes', () => {
    expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length);
    expect(new Set(operations.map(({ method, path }) => `${method} ${path}`)).size).toBe(operations.length);
  });
});
