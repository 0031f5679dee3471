import { describe, expect, it } from 'vitest';
import { needsApproval } from '../../../src/ai.js';
import { readScopeFrom } from '../../../src/guards/ai/scope-from.js';
import { AGENT, anOffice, TTL } from './lending.js';

describe('the scope of a call', () => {
  it.each([
    ['a constant', 'db:restart', undefined, 'db:restart'],
    ['a string', 'a:{id}', { id: 'x-1' }, 'a:x-1'],
    ['a whole number', 'a:{id}', { id: 42 }, 'a:42'],
    ['a part of a segment', 'db-{id}:write', { id: 'prod' }, 'db-prod:write'],
    ['several fields', '{a}:{b}:{a}', { a: 'x', b: 'y' }, 'x:y:x'],
    ['a fraction', 'a:{id}', { id: 4.2 }, undefined],
    ['NaN', 'a:{id}', { id: NaN }, undefined],
    ['no value', 'a:{id}', { id: undefined }, undefined],
    ['a list', 'a:{id}', { id: ['x'] }, undefined],
    ['an object with toString', 'a:{id}', { id: { toString: () => 'x' } }, undefined],
    ['a missing field', 'a:{id}', {}, undefined],
    ['an inherited field', 'a:{constructor}', {}, undefined],
    ['no input', 'a:{id}', undefined, undefined],
    ['an input that is a string', 'a:{length}', 'x', undefined],
    ['a value that is too long for the scope', 'a:order-{id}', { id: 'x'.repeat(249) }, undefined],
    ['a function', ({ id }: { id: string }) => `a:${id}`, { id: 'x' }, 'a:x'],
    ['a function that returns a pattern', () => 'a:*', {}, undefined],
    ['a function that returns no string', () => Promise.resolve('a:x') as unknown as string, {}, undefined],
  ] as const)('L23 comes from the rule and the input: %s', (_, rule, input, scope) => {
    expect(readScopeFrom<unknown>('scope', rule)(input)).toBe(scope);
  });

  it('L30 is missing where a function of the rule throws, which is reported to onError', async () => {
    const { engine } = anOffice();
    const failures: unknown[] = [];
    const scope = (): string => {
      throw new Error('no map');
    };
    const onError = (error: unknown) => failures.push(error);
    const guarded = needsApproval(engine, { tool: 't', agent: AGENT, scope, ttl: TTL, onError }, () => 'ran');
    expect(await guarded.execute({}, { context: undefined })).toMatch(/names no valid scope/);
    expect(failures).toEqual([new Error('no map')]);
  });

  it('L30 runs nothing where a function throws a value that is not an error, or the store fails while a call waits', async () => {
    const made = anOffice();
    const { engine, store, clock } = made;
    const rule = { tool: 't', agent: AGENT, operator: 'user:olga', scope: 'a:b', ttl: TTL, wait: '30s' } as const;
    const waiting = needsApproval(engine, rule, () => 'ran').needsApproval({ context: undefined }, {}, 'a');
    while (clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve));
    await engine.close();
    expect(await waiting).toBe(false);
    const broken = new Proxy(engine, {
      get: (target, name) => (name === 'check' ? () => Promise.reject(new Error('a bug')) : (Reflect.get(target, name, target) as unknown)),
    });
    const guarded = needsApproval(broken, rule, () => 'ran');
    expect(await guarded.execute({}, { context: undefined })).toBe('Access for this tool cannot be checked now. Nothing was done.');
    expect(store).toBeDefined();
  });
});
