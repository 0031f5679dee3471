import { describe, expect, it } from 'vitest';
import {
  autoApprove,
  firstDecisive,
  JitEngine,
  MemoryGrantStore,
  reviewers,
  startSweeper,
  type Approver,
  type Clock,
  type Verdict,
} from '../src/index.js';
import { definePolicy } from '../src/policy.js';
import { ManualClock } from '../src/testing.js';
import { MAYA, refusal, SAM } from './engine/an-engine.js';

/** The error code and the name of the argument; `taken` where the options are accepted. */
const outcome = (make: () => unknown): string => {
  try {
    make();
    return 'taken';
  } catch (error) {
    const { code, argument } = error as { readonly code: string; readonly argument: string };
    return `${code} ${argument}`;
  }
};

/** An instance with a field of its own, so that it looks like options, and an accessor on its prototype. */
const behindClass = (own: object, name: string, value: unknown): never => {
  class Options {
    constructor() {
      Object.assign(this, own);
    }
  }
  Object.defineProperty(Options.prototype, name, { get: () => value, enumerable: true });
  return new Options() as never;
};
/** The same with a prototype that inherits nothing. */
const behindBare = (own: object, name: string, value: unknown): never =>
  Object.assign(
    Object.create(Object.defineProperty(Object.create(null) as object, name, { get: () => value, enumerable: true })) as object,
    own,
  ) as never;
const ownAccessor = (own: object, name: string, value: unknown): never =>
  Object.defineProperty({ ...own }, name, { get: () => value, enumerable: true }) as never;

const store = new MemoryGrantStore();
const approver = autoApprove(() => true);
const ASK = { subject: MAYA, scope: 'db', ttl: '8h' } as const;

describe('options must be plain objects', () => {
  it.each([
    ['a class', behindClass, 'limits'],
    ['a bare prototype', behindBare, 'limits'],
    ['an own accessor', ownAccessor, 'limits.maxTtl'],
  ])('limits behind %s are refused, not ignored [M12]', (_, made, argument) => {
    const limits = made({ maxGrants: 5 }, 'maxTtl', '15m');
    expect(outcome(() => new JitEngine({ store: new MemoryGrantStore(), approver, limits }))).toBe(`ERR_JIT_INVALID_ARGUMENT ${argument}`);
  });

  it.each([
    ['a class', behindClass],
    ['a bare prototype', behindBare],
    ['an own accessor', ownAccessor],
  ])('terms behind %s make the answer of an approver a failure, and no grant is issued without them [M12]', async (_, made) => {
    const terms = made({ warnBeforeMs: [1_000] }, 'maxUses', 1);
    const verdict: Verdict = { outcome: 'approve', terms };
    const says: Approver = { name: 'says', decide: () => verdict, breakGlass: () => ({ ...verdict, reviewWithinMs: 60_000 }) };
    for (const asked of [says, firstDecisive(says)]) {
      const engine = new JitEngine({ store: new MemoryGrantStore(), approver: asked });
      await engine.requestAccess(ASK).catch(() => undefined);
      const emergency = { ...ASK, ttl: '30m', justification: 'down' } as const;
      await engine.breakGlass(emergency).catch(() => undefined);
      expect(await engine.isAllowed(MAYA, 'db')).toBe(false);
    }
  });

  it('a verdict behind a class is a failure, alone and in a chain [M12]', async () => {
    const verdict = behindClass({ outcome: 'approve' }, 'terms', { maxUses: 1 });
    for (const asked of [{ name: 'says', decide: () => verdict }, firstDecisive({ name: 'says', decide: () => verdict })]) {
      const engine = new JitEngine({ store: new MemoryGrantStore(), approver: asked });
      const problem = await engine.requestAccess(ASK).then(
        ({ outcome: said }) => said as string,
        (error: unknown) => (error as { readonly code: string }).code,
      );
      expect(problem).toBe('ERR_JIT_APPROVER');
      expect(await engine.isAllowed(MAYA, 'db')).toBe(false);
    }
  });

  it('options of every kind are refused by name where a class or an accessor hides a field [M12]', async () => {
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: reviewers({ members: [SAM] }) });
    expect(outcome(() => new JitEngine(behindClass({ store, approver }, 'leewayMs', 5)))).toBe('ERR_JIT_INVALID_ARGUMENT options');
    expect(outcome(() => new JitEngine(ownAccessor({ store, approver }, 'leewayMs', 5)))).toBe('ERR_JIT_INVALID_ARGUMENT leewayMs');
    expect(outcome(() => reviewers(behindClass({ members: [SAM] }, 'approvals', 2)))).toBe('ERR_JIT_INVALID_ARGUMENT reviewers');
    expect(outcome(() => autoApprove(() => true, behindClass({ name: 'x' }, 'patterns', false)))).toBe('ERR_JIT_INVALID_ARGUMENT options');
    expect(outcome(() => new JitEngine({ store: new MemoryGrantStore(), approver, standing: behindClass({}, MAYA, ['db']) }))).toBe(
      'ERR_JIT_INVALID_ARGUMENT standing',
    );
    expect(
      outcome(() =>
        startSweeper(
          engine,
          behindClass({ every: '30s' }, 'onError', () => undefined),
        ),
      ),
    ).toMatch(/^ERR_JIT_INVALID_ARGUMENT/);
    const rule = behindClass({ id: 'r', scopes: ['db'], approve: true }, 'maxTtl', '15m');
    expect(outcome(() => definePolicy({ rules: [rule] }))).toBe('ERR_JIT_INVALID_ARGUMENT rules[0]');
    const asked = await refusal(engine.requestAccess(behindClass(ASK, 'startsAt', Date.now() + 60_000)), 'ERR_JIT_INVALID_ARGUMENT');
    expect(asked.argument).toBe('ask');
  });

  it('ports may be instances of a class, and options may come from another realm or have no prototype', async () => {
    class OwnClock implements Clock {
      now = () => 1_700_000_000_000;
    }
    class Own implements Approver {
      get name() {
        return 'own';
      }
      decide(): Verdict {
        return Object.assign(Object.create(null) as object, { outcome: 'approve' }) as Verdict;
      }
    }
    const { runInNewContext } = await import('node:vm');
    const limits = runInNewContext('({ maxTtl: 900000 })') as { maxTtl: number };
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: new Own(), clock: new OwnClock(), limits });
    expect((await engine.requestAccess({ ...ASK, ttl: '15m' })).outcome).toBe('granted');
    await refusal(engine.requestAccess(ASK), 'ERR_JIT_REQUIREMENTS');
    expect(() => new JitEngine({ store: new MemoryGrantStore(), approver: new Own(), clock: new ManualClock() })).not.toThrow();
  });
});
