import { describe, expectTypeOf, it } from 'vitest';
import type { AccessAsk, Decision, Duration, JitEngine, RunAsk } from '../../src/index.js';

type Scope = 'db-prod:write' | 'db-prod:read';
type Engine = JitEngine<Scope>;

describe('JitEngine<Scope>', () => {
  it('accepts the scopes that it is given, and no others', () => {
    expectTypeOf<Engine['isAllowed']>().parameter(1).toEqualTypeOf<Scope | { readonly scope: Scope }>();
    expectTypeOf<Engine['check']>().parameter(1).toEqualTypeOf<Scope | { readonly scope: Scope }>();
    expectTypeOf<'db-prod:wirte'>().not.toExtend<Parameters<Engine['assertAllowed']>[1]>();
    expectTypeOf<{ scope: 'db-prod:wirte' }>().not.toExtend<Parameters<Engine['assertAllowed']>[1]>();
    expectTypeOf<Parameters<Engine['requestAccess']>[0]>().toEqualTypeOf<AccessAsk<Scope> | RunAsk<Scope>>();
    expectTypeOf<AccessAsk<Scope>['scopes']>().toEqualTypeOf<readonly Scope[] | undefined>();
    expectTypeOf<string>().not.toExtend<Parameters<Engine['isAllowed']>[1]>();
  });

  it('accepts every scope if none are given', () => {
    expectTypeOf<string>().toExtend<Parameters<JitEngine['isAllowed']>[1]>();
  });

  it('answers with a promise, so that a lint rule finds a forgotten await', () => {
    expectTypeOf<Engine['isAllowed']>().returns.toEqualTypeOf<Promise<boolean>>();
    expectTypeOf<Engine['check']>().returns.toEqualTypeOf<Promise<Decision>>();
    expectTypeOf<Engine['assertAllowed']>().returns.toEqualTypeOf<Promise<Decision>>();
  });
});

describe('Duration', () => {
  it('L3 takes milliseconds, and numbers with units, the larger unit before the smaller', () => {
    expectTypeOf<number>().toExtend<Duration>();
    expectTypeOf<'30m' | '1h30m' | '7d' | '500ms' | '2s' | '1d2h3m4s5ms' | '1d5ms' | '3m5ms'>().toExtend<Duration>();
    expectTypeOf<AccessAsk['ttl']>().toEqualTypeOf<Duration | undefined>();
  });

  it('L3 refuses every other text, and the type string', () => {
    expectTypeOf<string>().not.toExtend<Duration>();
    expectTypeOf<''>().not.toExtend<Duration>();
    expectTypeOf<'30'>().not.toExtend<Duration>();
    expectTypeOf<'m'>().not.toExtend<Duration>();
    expectTypeOf<'30M'>().not.toExtend<Duration>();
    expectTypeOf<'30min'>().not.toExtend<Duration>();
    expectTypeOf<'2w'>().not.toExtend<Duration>();
    expectTypeOf<'30m1h'>().not.toExtend<Duration>();
    expectTypeOf<'1h1h'>().not.toExtend<Duration>();
    expectTypeOf<'PT30M'>().not.toExtend<Duration>();
    expectTypeOf<{ subject: string; scope: string; ttl: '30min' }>().not.toExtend<AccessAsk>();
  });
});
