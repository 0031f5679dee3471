import { describe, expect, it } from 'vitest';
import { withOwnUse } from '../../src/lifecycle/usage.js';
import { anEngine, ask, aPending, refusal, SAM } from '../engine/an-engine.js';

describe('several denials of the same ask', () => {
  it('are all shown to reviewers, the latest first (L44)', async () => {
    const { engine, clock } = anEngine();
    for (const reason of ['first', 'second']) {
      const { id } = await aPending(engine);
      await clock.advance('1m');
      await engine.deny(id, { by: SAM, reason });
    }
    await aPending(engine);
    const [item] = await engine.inbox(SAM);
    expect(item?.denials.map(({ reason }) => reason)).toEqual(['second', 'first']);
  });

  it('pause the ask from the latest of them on (L44)', async () => {
    const { engine, clock } = anEngine({ limits: { askAgainAfter: '1h' } });
    const twins = [
      await aPending(engine, { scopes: ['a'], scope: undefined as never }),
      await aPending(engine, { scopes: ['a', 'b'], scope: undefined as never }),
    ];
    for (const { id } of twins) {
      await clock.advance('1m');
      await engine.deny(id, { by: SAM });
    }
    const error = await refusal(ask(engine, { scopes: ['a'], scope: undefined as never }), 'ERR_JIT_LIMIT');
    expect(error).toMatchObject({ limit: 'askAgainAfter', retryAt: clock.now() + 3_600_000 });
  });
});

describe('withOwnUse()', () => {
  it('leaves every other grant, and one without uses, as it is', () => {
    const other = { grant: { id: 'g2' }, usage: { uses: 1 } } as never;
    const plain = { grant: { id: 'g1' }, usage: undefined } as never;
    expect(withOwnUse(other, 'g1')).toBe(other);
    expect(withOwnUse(plain, 'g1')).toBe(plain);
  });
});
