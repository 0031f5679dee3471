import { describe, expect, it } from 'vitest';
import { autoApprove, denyAll, patternScopes } from '../../src/index.js';
import { anEngine, ask, MAYA, refusal, SCOPE } from '../engine/an-engine.js';

describe('autoApprove()', () => {
  it('approves if the rule returns true, and abstains otherwise', async () => {
    const { engine } = anEngine({ approver: autoApprove((request) => request.scopes.every((scope) => scope.startsWith('staging:'))) });
    expect((await ask(engine, { scope: 'staging:write' })).outcome).toBe('granted');
    expect(await ask(engine, { scope: 'prod:write' })).toMatchObject({ outcome: 'denied', request: { end: { cause: 'abstained' } } });
  });

  it('accepts an asynchronous rule', async () => {
    const { engine } = anEngine({ approver: autoApprove(async () => true, { name: 'policy' }) });
    expect(await ask(engine)).toMatchObject({ outcome: 'granted', request: { approver: 'policy' } });
  });

  for (const answer of [undefined, null, 1, 'true', {}, []]) {
    it(`L30 counts ${JSON.stringify(answer)} as an approver failure, never as a yes`, async () => {
      const { engine } = anEngine({ approver: autoApprove((() => answer) as unknown as () => boolean) });
      await refusal(ask(engine), 'ERR_JIT_APPROVER');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });
  }

  it('L30 a rule that throws or rejects leaves the request pending', async () => {
    for (const rule of [
      () => {
        throw new Error('down');
      },
      () => Promise.reject(new Error('down')),
    ]) {
      const { engine } = anEngine({ approver: autoApprove(rule) });
      const { requestId = '' } = await refusal(ask(engine), 'ERR_JIT_APPROVER');
      expect((await engine.getRequest(requestId))?.request.end).toBeUndefined();
    }
  });

  it('L21 approves a pattern only with the option patterns, for any rule', async () => {
    for (const [patterns, outcome] of [
      [undefined, 'denied'],
      [true, 'granted'],
    ] as const) {
      const { engine } = anEngine({ scopes: patternScopes, approver: autoApprove(() => true, { patterns }) });
      expect((await ask(engine, { scope: 'db:*' })).outcome).toBe(outcome);
      expect(await engine.isAllowed(MAYA, 'db:write')).toBe(outcome === 'granted');
    }
  });

  it('refuses a rule that is not a function, and unknown options', async () => {
    for (const rule of [undefined, null, true, 'yes', {}]) {
      expect(await refusal(() => autoApprove(rule as () => boolean), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({
        argument: 'when',
      });
    }
    for (const [argument, options] of [
      ['options', null],
      ['options', { pattern: true }],
      ['patterns', { patterns: 1 }],
      ['name', { name: '' }],
    ] as const) {
      expect(await refusal(() => autoApprove(() => true, options as object), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument });
    }
  });
});

describe('denyAll()', () => {
  it('denies with the reason', async () => {
    expect(await ask(anEngine({ approver: denyAll() }).engine)).toMatchObject({
      outcome: 'denied',
      reason: 'all requests are denied here',
    });
    expect(await ask(anEngine({ approver: denyAll('closed for the night') }).engine)).toMatchObject({ reason: 'closed for the night' });
  });

  it('refuses a reason that is not a text', async () => {
    for (const reason of [7, null, {}, '\u0000', 'x'.repeat(5000)]) {
      expect(await refusal(() => denyAll(reason as string), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument: 'reason' });
    }
  });
});
