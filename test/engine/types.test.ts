import { describe, expectTypeOf, it } from 'vitest';
import type { AccessAsk, Decision, JitEngine, RunAsk } from '../../src/index.js';

type Scope = 'db-prod:write' | 'db-prod:read';
type Engine = JitEngine<Scope>;

describe('JitEngine<Scope>', () => {
  it('takes the scopes that it is given, and no others', () => {
    expectTypeOf<Engine['isAllowed']>().parameter(1).toEqualTypeOf<Scope | { readonly scope: Scope }>();
    expectTypeOf<Engine['check']>().parameter(1).toEqualTypeOf<Scope | { readonly scope: Scope }>();
    expectTypeOf<'db-prod:wirte'>().not.toExtend<Parameters<Engine['assertAllowed']>[1]>();
    expectTypeOf<{ scope: 'db-prod:wirte' }>().not.toExtend<Parameters<Engine['assertAllowed']>[1]>();
    expectTypeOf<Parameters<Engine['requestAccess']>[0]>().toEqualTypeOf<AccessAsk<Scope> | RunAsk<Scope>>();
    expectTypeOf<AccessAsk<Scope>['scopes']>().toEqualTypeOf<readonly Scope[] | undefined>();
    expectTypeOf<string>().not.toExtend<Parameters<Engine['isAllowed']>[1]>();
  });

  it('takes every scope where none are given', () => {
    expectTypeOf<string>().toExtend<Parameters<JitEngine['isAllowed']>[1]>();
  });

  it('answers with a promise, so that a lint rule finds a forgotten await', () => {
    expectTypeOf<Engine['isAllowed']>().returns.toEqualTypeOf<Promise<boolean>>();
    expectTypeOf<Engine['check']>().returns.toEqualTypeOf<Promise<Decision>>();
    expectTypeOf<Engine['assertAllowed']>().returns.toEqualTypeOf<Promise<Decision>>();
  });
});
