import { describe, expect, it } from 'vitest';
import type { AccessRequest } from '../../src/index.js';
import { MAX_DENIED, noteDenial, recentDenials, refuseIfDenied, twinsOf } from '../../src/lifecycle/same-ask.js';
import { withOwnUse } from '../../src/lifecycle/usage.js';
import { anEngine, ask, aPending, refusal, SAM } from '../engine/an-engine.js';

/** The fields of a request by which the rules of the same ask judge. */
const request = (over: object = {}): AccessRequest =>
  ({
    id: 'new',
    subject: 's',
    requestedBy: 's',
    scopes: ['a'],
    ttlMs: 100,
    startsAt: undefined,
    extension: undefined,
    reviews: [],
    end: undefined,
    ...over,
  }) as never;
const overlaps = (a: string, b: string): boolean => a === b;

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
    const names = noted.entries[0]?.data['forgotten'] as readonly string[];
    const kept = ids.filter((id) => !names.includes(id));
    expect(noted.put.at(-1)).toMatchObject({ kind: 'subject', denied: [...kept, 'new'] });
    return names;
  }

  it('make room for the next: first those whose request is gone (L44)', () => {
    expect(forgotten(ids.slice(2).map((id) => denied(id)))).toEqual(['r0', 'r1']);
  });

  it('make room for the next: one that only the approver gave, if all are recent (L44)', () => {
    expect(forgotten(ids.map((id) => denied(id, id === 'r7' ? ofApprover : {})))).toEqual(['r7']);
  });

  it('make room for the next: those that are as old as the limit, and no younger one (L44)', () => {
    const old = (ms: number) => ({ reviews: [{ ...deny('user:sam'), at: at - ms }] });
    expect(forgotten(ids.map((id) => denied(id, id === 'r3' ? old(1_000) : old(999))))).toEqual(['r3']);
  });

  it('make room for the next: an approval does not make the denial one of people (L44)', () => {
    const approved = { ...ofApprover, reviews: [{ ...deny('user:sam'), verdict: 'approve' }] };
    expect(forgotten(ids.map((id) => denied(id, id === 'r7' ? approved : {})))).toEqual(['r7']);
  });

  it('make room for the next: none that was denied again recently, in any order of its reviews (L44)', () => {
    const again = [deny('user:sam'), { ...deny('user:ana'), at: at - 10_000 }];
    expect(forgotten(ids.map((id) => denied(id, { reviews: again })))).toEqual(['r0']);
  });

  it('make room for the next: the first, if reviewers gave them all recently (L44)', () => {
    expect(forgotten(ids.map((id) => denied(id)))).toEqual(['r0']);
  });

  it('are shown for an extension whose window overlaps, each denial of a request in its order (L44)', () => {
    const later = { ...deny('user:ana'), at: at + 1 };
    const other = denied('old', { reviews: [later, deny('user:sam')], extension: { from: at, until: at + 9 } });
    const shown = (from: number) =>
      recentDenials(denied('new', { extension: { from, until: from + 9 } }), [other], 1_000, (a, b) => a === b, {
        now: at + 2,
        forEnds: at + 2,
      } as never);
    expect(shown(at).map(({ by }) => by)).toEqual(['user:ana', 'user:sam']);
    expect(shown(at + 100)).toEqual([]);
  });
});

describe('recentDenials()', () => {
  const NOW = 10_000;
  const moment = { now: NOW, forEnds: NOW } as never;
  const says = (reviewer: string, verdict: 'approve' | 'deny', ms: number) => ({
    reviewer,
    verdict,
    at: ms,
    reason: `${reviewer} at ${ms}`,
  });
  const denied = (over: object = {}): AccessRequest => request({ id: 'old', reviews: [says('sam', 'deny', NOW - 5)], ...over });
  const shown = (...others: readonly AccessRequest[]) => recentDenials(request({ startsAt: NOW + 50 }), others, 1_000, overlaps, moment);

  it('L44 are those of the same subject, of an overlapping scope, and of a window that meets this one', () => {
    expect(shown(denied())).toHaveLength(1);
    expect(shown(denied({ subject: 'other' }))).toEqual([]);
    expect(shown(denied({ scopes: ['b'] }))).toEqual([]);
    expect(shown(denied({ scopes: ['b', 'a'] }))).toHaveLength(1);
    // Windows are half-open: one that ends where the other begins does not meet it.
    expect(shown(denied({ startsAt: NOW - 50 }))).toEqual([]);
    expect(shown(denied({ startsAt: NOW - 49 }))).toHaveLength(1);
    expect(shown(denied({ startsAt: NOW + 150 }))).toEqual([]);
  });

  it('L44 never are those of the request itself', () => {
    expect(shown(denied({ id: 'new' }))).toEqual([]);
  });

  it('L44 are the denials of reviewers, with their reasons, and not their approvals', () => {
    const reviews = [says('ana', 'approve', NOW - 9), says('sam', 'deny', NOW - 5)];
    expect(shown(denied({ reviews }))).toEqual([
      { requestId: 'old', requestedBy: 's', scopes: ['a'], by: 'sam', at: NOW - 5, reason: `sam at ${NOW - 5}` },
    ]);
  });

  it.each([
    ['the approver', 'approver', 1],
    ['a right that is missing at the approval', 'ineligible', 1],
    ['a limit, which is no denial', 'limit', 0],
    ['a quorum, whose reviewers are listed already', 'quorum', 0],
  ])('L44 of a request that was denied by %s', (_, cause, count) => {
    const end = { status: 'denied', cause, at: NOW - 3, by: 'system:approver', reason: 'closed' };
    const found = shown(denied({ reviews: [], end }));
    expect(found).toHaveLength(count);
    if (count > 0) expect(found[0]).toMatchObject({ by: 'system:approver', at: NOW - 3, reason: 'closed' });
  });

  it('L44 are none of a request that was approved, and those of a request that ended otherwise', () => {
    const end = (status: string) => ({ status, cause: status, at: NOW - 1, by: 'x', reason: undefined });
    expect(shown(denied({ end: end('approved') }))).toEqual([]);
    expect(shown(denied({ end: end('cancelled') }))).toHaveLength(1);
  });

  it('L44 come the latest first, and none that is as old as the limit', () => {
    const others = [
      denied({ id: 'o1', reviews: [says('sam', 'deny', NOW - 900)] }),
      denied({ id: 'o2', reviews: [says('ana', 'deny', NOW - 2)] }),
    ];
    expect(shown(...others).map(({ requestId }) => requestId)).toEqual(['o2', 'o1']);
    expect(shown(denied({ reviews: [says('sam', 'deny', NOW - 1_000)] }))).toEqual([]);
    expect(shown(denied({ reviews: [says('sam', 'deny', NOW - 999)] }))).toHaveLength(1);
  });
});

describe('refuseIfDenied()', () => {
  const NOW = 10_000_000;
  const PAUSE = 3_600_000;
  const denied = (id: string, ...instants: readonly number[]): AccessRequest =>
    request({ id, reviews: instants.map((at) => ({ reviewer: `r${at}`, verdict: 'deny', at, reason: undefined })) });
  const refuse = (others: readonly AccessRequest[], now = NOW) =>
    refuseIfDenied(request(), others, PAUSE, overlaps, { now, forEnds: now } as never);

  it('L44 names the limit, the latest denial, its age and the end of the pause', async () => {
    const error = await refusal(() => refuse([denied('r1', NOW - 9_000, NOW - 120_000), denied('r2', NOW - 60_000)]), 'ERR_JIT_LIMIT');
    expect(error).toMatchObject({ limit: 'askAgainAfter', max: PAUSE, got: 9_000, retryAt: NOW - 9_000 + PAUSE });
    expect((error as Error).message).toBe('limits.askAgainAfter refuses the same ask for 1h after a denial: request r1 was denied 9s ago');
    const other = await refusal(() => refuse([denied('r1', NOW - 9_000), denied('r2', NOW - 5_000)]), 'ERR_JIT_LIMIT');
    expect((other as Error).message).toContain('request r2 was denied 5s ago');
    expect(((await refusal(() => refuse([denied('r1', NOW)]), 'ERR_JIT_LIMIT')) as Error).message).toContain('1ms ago');
  });

  it('L44 refuses until the pause has passed, and then no more', async () => {
    await refusal(() => refuse([denied('r1', NOW)], NOW + PAUSE - 1), 'ERR_JIT_LIMIT');
    expect(refuse([denied('r1', NOW)], NOW + PAUSE)).toBeUndefined();
  });

  it('L44 refuses for no denial of another ask, or of another requester', () => {
    expect(refuse([])).toBeUndefined();
    expect(refuse([{ ...denied('r1', NOW), scopes: ['b'] }])).toBeUndefined();
    expect(refuse([{ ...denied('r1', NOW), requestedBy: 'agent:7' }])).toBeUndefined();
  });
});

describe('noteDenial()', () => {
  const at = 1_000_000;
  const moment = { now: at, actor: 'user:sam', forEnds: at } as never;
  const denied = request({ kind: 'request', id: 'r1', reviews: [{ reviewer: 'user:sam', verdict: 'deny', at, reason: undefined }] });
  const step = { result: { request: denied }, put: [denied], entries: [{ data: { a: 1 } }, { data: { b: 2 } }] } as never;

  it('L44 creates the row of a subject that has none, and says so in the last entry', () => {
    const noted = noteDenial(step, { subject: undefined, denied: [] }, 1_000, moment);
    expect(noted.put).toMatchObject([{ id: 'r1' }, { kind: 'subject', id: 's', version: 1, denied: ['r1'] }]);
    expect(noted.entries).toEqual([{ data: { a: 1 } }, { data: { b: 2, subjectVersion: 1 } }]);
  });

  it('L44 notes a denied request once, and none that is not written or not denied', () => {
    const subject = { kind: 'subject', id: 's', version: 3, unreviewed: [], openedForOthers: [], denied: ['r1'] } as never;
    expect(noteDenial(step, { subject, denied: [] }, 1_000, moment)).toBe(step);
    expect(noteDenial(step, undefined, 1_000, moment)).toBe(step);
    for (const put of [[], [request({ kind: 'request', id: 'r2' })], [{ kind: 'grant', id: 'r1' }]]) {
      const unwritten = { ...(step as object), put } as never;
      expect(noteDenial(unwritten, { subject: undefined, denied: [] }, 1_000, moment)).toBe(unwritten);
    }
    const undenied = { ...(step as object), result: { request: { ...denied, reviews: [] } } } as never;
    expect(noteDenial(undenied, { subject: undefined, denied: [] }, 1_000, moment)).toBe(undenied);
  });
});

describe('twinsOf()', () => {
  const now = 1_000_000;
  const moment = { now, highWater: now, forEnds: now } as never;
  const open = (id: string, over: object = {}): AccessRequest => request({ id, reviewBy: now + 1, ...over });

  it('L44 are the other pending requests that are the same ask', () => {
    const others = [open('r1'), open('r2'), open('r3', { scopes: ['b'] }), open('r4', { reviewBy: now }), open('r5', { subject: 't' })];
    expect(twinsOf(open('r1'), others, overlaps, moment).map(({ id }) => id)).toEqual(['r2']);
  });
});
