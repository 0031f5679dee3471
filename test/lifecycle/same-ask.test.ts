import { describe, expect, it } from 'vitest';
import { MAX_DENIED, noteDenial, recentDenials } from '../../src/lifecycle/same-ask.js';
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
    const [item] = (await engine.inbox(SAM)).items;
    expect(item?.denials.map(({ reason }) => reason)).toEqual(['second', 'first']);
  });

  it('block the ask, counted from the latest of them (L44)', async () => {
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
  it('leaves every other grant, and a grant without uses, unchanged', () => {
    const other = { grant: { id: 'g2' }, usage: { uses: 1 } } as never;
    const plain = { grant: { id: 'g1' }, usage: undefined } as never;
    expect(withOwnUse(other, 'g1')).toBe(other);
    expect(withOwnUse(plain, 'g1')).toBe(plain);
  });
});

describe("the denials that a subject's row names", () => {
  const at = 1_000_000;
  const deny = (by: string) => ({ reviewer: by, verdict: 'deny', at, reason: undefined });
  const denied = (id: string, over: object = {}) =>
    ({
      kind: 'request',
      id,
      subject: 's',
      requestedBy: 's',
      scopes: ['a'],
      ttlMs: 60_000,
      reviews: [deny('user:sam')],
      end: undefined,
      ...over,
    }) as never;
  const ids = Array.from({ length: MAX_DENIED }, (_, i) => `r${i}`);
  const ofApprover = { reviews: [], end: { status: 'denied', cause: 'approver', at, by: 'system:approver', reason: undefined } };

  /** The denials in a full row that the denial of one more request removes. */
  function forgotten(requests: readonly never[]): unknown {
    const subject = { kind: 'subject', id: 's', version: 3, unreviewed: [], openedForOthers: [], denied: ids } as never;
    const step = { result: { request: denied('new') }, put: [denied('new')], entries: [{ data: {} }], expect: [] } as never;
    const noted = noteDenial(step, { subject, denied: requests }, 1_000, { now: at, actor: 'user:sam', forEnds: at } as never);
    return noted.entries[0]?.data['forgotten'];
  }

  it('make room for the next: first those whose request is gone (L44)', () => {
    expect(forgotten(ids.slice(2).map((id) => denied(id)))).toEqual(['r0', 'r1']);
  });

  it('make room for the next: one that only the approver gave, if all are recent (L44)', () => {
    expect(forgotten(ids.map((id) => denied(id, id === 'r7' ? ofApprover : {})))).toEqual(['r7']);
  });

  it('make room for the next: the first, if reviewers gave them all recently (L44)', () => {
    expect(forgotten(ids.map((id) => denied(id)))).toEqual(['r0']);
  });

  it('are shown for an extension whose window overlaps, each denial of a request in its order (L44)', () => {
    const later = { ...deny('user:ana'), at: at + 1 };
    const other = denied('old', { reviews: [later, deny('user:sam')], extension: { from: at, until: at + 9 } });
    const shown = (from: number) =>
      recentDenials(denied('new', { extension: { from, until: from + 9 } }), [other], 1_000, (a, b) => a === b, { now: at + 2 } as never);
    expect(shown(at).map(({ by }) => by)).toEqual(['user:ana', 'user:sam']);
    expect(shown(at + 100)).toEqual([]);
  });
});
