import { describe, expectTypeOf, it } from 'vitest';
import type { AccessClient, AskInput } from '../../src/client.js';
import { preview } from '../../src/explain.js';
import {
  JitEngine,
  type AccessAsk,
  type AccessResult,
  type BreakGlassAsk,
  type Decision,
  type Duration,
  type ExtensionAsk,
  type RunAsk,
} from '../../src/index.js';

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

describe('an ask', () => {
  interface Given {
    readonly engine: Engine;
    readonly client: AccessClient;
    readonly ask: AccessAsk<Scope>;
    readonly rest: Omit<AccessAsk<Scope>, 'subject'>;
    readonly either: AccessAsk<Scope> | RunAsk<Scope>;
    readonly extension: ExtensionAsk;
    readonly emergency: BreakGlassAsk<Scope>;
    readonly input: AskInput;
    readonly maybe: Duration | undefined;
    readonly until: Date;
  }
  const whom = { subject: 'user:maya', scope: 'db-prod:read' } as const;
  const of = { requestedBy: 'user:maya' };
  const urgent = { ...whom, justification: 'INC-1' };

  it('[A18] does not compile without ttl and until', () => {
    void (({ engine, client }: Given) => {
      // @ts-expect-error without a window
      void engine.requestAccess(whom);
      // @ts-expect-error without a window
      void engine.requestAccess({ ...whom, ttl: undefined, until: undefined });
      // @ts-expect-error without a window
      void engine.requestAccess({ run: { agent: 'agent:ci', operator: 'user:maya' }, scope: 'db-prod:read' });
      // @ts-expect-error without a window
      void engine.extend('id', of);
      // @ts-expect-error without a window
      void engine.breakGlass(urgent);
      // @ts-expect-error without a window
      void preview(engine, whom);
      // @ts-expect-error without a window
      void client.requestAccess(whom);
      // @ts-expect-error without a window
      void client.requestAccess({ ...whom, dryRun: true });
      // @ts-expect-error without a window
      void client.extendRequest('id', {});
      // @ts-expect-error without a window
      void client.extendGrant('id', {});
      // @ts-expect-error without a window
      void client.breakGlass(urgent);
    });
  });

  it('[A18] is checked as before if it has a window', () => {
    void (({ engine }: Given) => {
      // @ts-expect-error a misspelt field
      void engine.requestAccess({ ...whom, ttl: '30m', tiket: 'INC-1' });
      // @ts-expect-error a misspelt scope
      void engine.requestAccess({ ...whom, ttl: '30m', scope: 'db-prod:wirte' });
      // @ts-expect-error a misspelt duration
      void engine.requestAccess({ ...whom, ttl: '30min' });
      // @ts-expect-error no subject
      void engine.requestAccess({ scope: 'db-prod:read', ttl: '30m' });
      // @ts-expect-error no requester
      void engine.extend('id', { ttl: '30m' });
    });
  });

  it('compiles with ttl or until, also if only its type has one', () => {
    void (({ engine, client, ask, rest, either, extension, emergency, input, maybe, until }: Given) => {
      const asked = [
        engine.requestAccess({ ...whom, ttl: '30m' }),
        engine.requestAccess({ ...whom, ttl: 90_000 }),
        engine.requestAccess({ ...whom, until }),
        engine.requestAccess({ ...whom, ttl: maybe }),
        engine.requestAccess({ ...whom, ...(maybe === undefined ? { until } : { ttl: maybe }) }),
        engine.requestAccess({ ...whom, ...(maybe !== undefined && { ttl: maybe }) }),
        engine.requestAccess(ask),
        engine.requestAccess(either),
        engine.requestAccess({ ...ask, justification: 'INC-1' }),
        engine.requestAccess({ ...rest, subject: 'user:maya' }),
        engine.requestAccess(JSON.parse('{}') as Parameters<Engine['requestAccess']>[0]),
        engine.extend('id', extension),
        engine.extend('id', { ...of, until }),
        preview(engine, ask),
        client.requestAccess(input),
        client.requestAccess({ ...input, dryRun: true }),
        client.requestAccess({ ...whom, ttl: '30m' }),
      ];
      return [asked, engine.breakGlass(emergency), engine.breakGlass({ ...urgent, ttl: '5m' })];
    });
    // Wrappers, tests that replace a verb, and subclasses.
    void (({ engine }: Given) => {
      const wrapper = <A extends AccessAsk<Scope>>(given: A) => engine.requestAccess({ ...given, ticket: 'INC-1' });
      const timed = <T extends Duration>(ttl: T) => engine.requestAccess({ ...whom, ttl });
      const bound: (ask: AccessAsk<Scope>) => Promise<AccessResult> = engine.requestAccess.bind(engine);
      const replaced: Pick<Engine, 'requestAccess'> = { requestAccess: (given: AccessAsk<Scope> | RunAsk<Scope>) => bound(given as never) };
      class Wider extends JitEngine<Scope> {
        override async requestAccess(given: AccessAsk<Scope> | RunAsk<Scope>): Promise<AccessResult> {
          return super.requestAccess(given);
        }
      }
      return [wrapper, timed, replaced, Wider];
    });
  });
});
