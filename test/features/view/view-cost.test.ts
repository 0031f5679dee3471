import { describe, expect, it, vi } from 'vitest';
import { aGranted, MAYA, LEE, SCOPE } from '../../engine/an-engine.js';
import { aView } from './a-view.js';
import { promisesOf } from '../../engine/promises-of.js';

describe('the cost of a question to a view', () => {
  it.each([
    ['a yes', MAYA, SCOPE, true, 1],
    ['a no about known names', LEE, SCOPE, false, 1],
    ['a no about an unknown subject', 'user:stranger', SCOPE, false, 1],
    ['a no about an unknown scope', LEE, 'db-prod:none', false, 1],
  ])('is a few readings of the clock, without a promise or a question to the store: %s (L5, L34)', async (...row) => {
    const [, subject, scope, allowed, readings] = row;
    const { engine, clock, view, viewStore } = aView({ maxStaleMs: 3_600_000 });
    await aGranted(engine);
    await aGranted(engine, { subject: LEE, scope: 'db-prod:read' });
    await view.refresh();
    const now = vi.spyOn(clock, 'now');
    const elapsed = vi.spyOn(clock, 'elapsed');
    const asked = (['live', 'get', 'find', 'journal'] as const).map((name) => vi.spyOn(viewStore, name));
    for (let look = 0; look < 3; look++) {
      for (const verb of ['isAllowed', 'check'] as const) {
        now.mockClear();
        let answer: unknown;
        const promises = promisesOf(() => (answer = view[verb](subject, scope)));
        expect(verb === 'check' ? answer : { allowed: answer }).toMatchObject({ allowed });
        expect([verb, promises, now.mock.calls.length, elapsed.mock.calls.length]).toEqual([verb, 0, readings, 0]);
      }
    }
    expect(asked.map(({ mock }) => mock.calls.length)).toEqual([0, 0, 0, 0]);
    view.close();
  });
});
