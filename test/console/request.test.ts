import { describe, expect, it } from 'vitest';
import { ManualClock } from 'jit-access/testing';
import { JitEngine, MemoryGrantStore, reviewers } from 'jit-access';
import { timelineOf } from '../../src/features/http/timeline.js';
import { ENTRY_TYPES } from '../../src/model/entry-types.js';
import { GRANT_ENDS, REQUEST_ENDS } from '../../src/model/ends.js';
import { deedsOf, linesOf, relatedOf } from '../../src/console/app/views/request/timeline.js';
import { gapOf, nowOf } from '../../src/console/app/views/request/now.js';
import { request as messages } from '../../src/console/app/views/request.messages.js';

const MINUTE = 60_000;
type Asked = Awaited<ReturnType<JitEngine['requestAccess']>>['request'];

async function anEngine() {
  const clock = new ManualClock();
  const approver = reviewers({ members: ['user:sam', 'user:ana'] });
  const engine = new JitEngine({ store: new MemoryGrantStore(), clock, approver });
  const ask = (ttl = '30m') =>
    engine.requestAccess({
      subject: 'user:maya',
      requestedBy: 'user:lin',
      scope: 'db-prod:write',
      ttl: ttl as '30m',
      justification: 'backfill',
    });
  const read = async (id: string) => (await engine.getRequest(id))!;
  return { clock, engine, ask, read };
}

describe('the timeline', () => {
  it('goes from the ask to the end, and marks the decision', async () => {
    const { clock, engine, ask, read } = await anEngine();
    const { id } = (await ask()).request;
    await clock.advance(MINUTE);
    await engine.comment(id, { by: 'user:sam', text: '<b>why</b>' });
    await clock.advance(MINUTE);
    await engine.approve(id, { by: 'user:sam', reason: 'enough' });
    await clock.advance(MINUTE);
    await engine.release({ requestId: id }, { by: 'user:maya' });
    const lines = linesOf(timelineOf(await read(id)));
    expect(lines.map(({ key, by, tone }) => `${key.slice('request.event.'.length)} ${by} ${tone}`)).toEqual([
      'request.created user:lin plain',
      'request.assigned reviewers plain',
      'request.commented user:sam plain',
      'request.reviewed.approve user:sam yes',
      'request.approved.quorum user:sam yes',
      'grant.issued undefined yes',
      'grant.revoked.released user:maya plain',
    ]);
    expect(lines.filter(({ isDecision }) => isDecision).map(({ key }) => key)).toEqual(['request.event.request.approved.quorum']);
    expect(lines.map(({ text }) => text).filter(Boolean)).toEqual(['backfill', '<b>why</b>', 'enough']);
  });

  it('has words for every end of a request and a grant', () => {
    const ends = [
      ...Object.entries(REQUEST_ENDS).flatMap(([status, causes]) => causes.map((cause) => ({ type: `request.${status}`, cause }))),
      ...Object.entries(GRANT_ENDS).flatMap(([status, causes]) => causes.map((cause) => ({ type: `grant.${status}`, cause }))),
    ];
    const keys = linesOf(ends.map((end) => ({ at: 0, ...end }))).map(({ key }) => key);
    expect(keys.filter((key) => !Object.hasOwn(messages, key))).toEqual([]);
    expect(keys).not.toContain('request.event.other');
  });

  it('uses every message of an event, and shows no type', () => {
    const variants = [
      'approve',
      'deny',
      'justified',
      'unjustified',
      ...Object.values({ ...REQUEST_ENDS, ...GRANT_ENDS }).flat(),
      undefined,
    ];
    const types = [...Object.keys(ENTRY_TYPES), 'request.dreamt'];
    const events = types.flatMap((type) => variants.map((cause) => ({ at: 0, type, ...(cause !== undefined && { cause }) })));
    const keys = new Set(linesOf(events).map(({ key }) => key));
    expect(Object.keys(messages).filter((key) => key.startsWith('request.event.') && !keys.has(key))).toEqual([]);
    expect([...keys].filter((key) => !Object.hasOwn(messages, key))).toEqual([]);
    expect(linesOf([{ at: 0, type: 'request.dreamt' }])).toMatchObject([{ key: 'request.event.other', by: undefined }]);
  });

  it('links the requests before and after', async () => {
    const { engine, ask, read } = await anEngine();
    const first = (await ask()).request.id;
    const second = (await engine.amend(first, { by: 'user:lin', ttl: '15m' })).request.id;
    expect(relatedOf(await read(first))).toEqual([{ key: 'replacedBy', requestId: second }]);
    expect(relatedOf(await read(second))).toEqual([{ key: 'replaces', requestId: first }]);
    await engine.approve(second, { by: 'user:sam' });
    const { id: third } = (await engine.extend({ requestId: second }, { requestedBy: 'user:maya', ttl: '15m' })).request;
    await engine.approve(third, { by: 'user:ana' });
    expect(relatedOf(await read(third))).toEqual([{ key: 'extends', requestId: second }]);
    expect(relatedOf(await read(second))).toEqual([
      { key: 'replaces', requestId: first },
      { key: 'extendedBy', requestId: third },
    ]);
  });
});

describe('the state of a request', () => {
  it('is a sentence from the ask to the end, with the instant that matters', async () => {
    const { clock, engine, ask, read } = await anEngine();
    const { id, reviewBy } = (await ask()).request;
    const now = async (viewer: string, item?: object, of = id) => {
      const { key, time } = nowOf({ found: (await read(of)) as never, item: item as never }, viewer);
      expect(messages).toHaveProperty([key]);
      return [key.slice('request.now.'.length), time];
    };
    expect(await now('user:maya')).toEqual(['pending', reviewBy]);
    expect(await now('user:sam', {})).toEqual(['review', reviewBy]);
    await engine.approve(id, { by: 'user:sam' });
    const end = clock.now() + 30 * MINUTE;
    expect([await now('user:maya'), await now('user:lin')]).toEqual([
      ['held.own', end],
      ['held', end],
    ]);
    await clock.advance(MINUTE);
    await engine.release({ requestId: id }, { by: 'user:maya' });
    expect(await now('user:maya')).toEqual(['ended', clock.now()]);

    const later = await engine.requestAccess({ subject: 'user:maya', scope: 'logs', ttl: '5m', startsAt: clock.now() + 9 * MINUTE });
    await engine.approve(later.request.id, { by: 'user:ana' });
    expect(await now('user:maya', undefined, later.request.id)).toEqual(['later.own', clock.now() + 9 * MINUTE]);

    const scopes = ['a:x', 'b:x', 'c:x'];
    const asked = await Promise.all(scopes.map((scope) => engine.requestAccess({ subject: 'user:maya', scope, ttl: '5m' })));
    const [denied, cancelled, expired] = asked.map(({ request }) => request) as [Asked, Asked, Asked];
    await engine.deny(denied.id, { by: 'user:sam' });
    await engine.cancel(cancelled.id, { by: 'user:maya' });
    const at = clock.now();
    await clock.advance(expired.reviewBy - at);
    expect([
      await now('user:ana', undefined, denied.id),
      await now('user:ana', undefined, cancelled.id),
      await now('user:ana', undefined, expired.id),
    ]).toEqual([
      ['denied', at],
      ['cancelled', at],
      ['expired', expired.reviewBy],
    ]);
  });

  it('says of an extension what the engine does between the end and the decision', async () => {
    const { clock, engine, ask, read } = await anEngine();
    const { id } = (await ask()).request;
    await engine.approve(id, { by: 'user:sam' });
    const end = clock.now() + 30 * MINUTE;
    const { id: more } = (await engine.extend({ requestId: id }, { requestedBy: 'user:maya', ttl: '15m' })).request;
    const gap = async () => gapOf((await read(more)) as never, clock.now());
    expect(gapOf((await read(id)) as never, clock.now())).toBeUndefined();
    await clock.advance(end - 1 - clock.now());
    expect(await gap()).toEqual({ key: 'request.gap.ahead', time: end });
    await clock.advance(1);
    expect(await gap()).toEqual({ key: 'request.gap.begun', time: end });
    await clock.advance(5 * MINUTE);
    expect(await engine.isAllowed('user:maya', 'db-prod:write')).toBe(false);
    await engine.approve(more, { by: 'user:sam' });
    expect((await read(more)).grants.map(({ startsAt }) => startsAt)).toEqual([clock.now()]);
    expect(await engine.isAllowed('user:maya', 'db-prod:write')).toBe(true);
    expect(await gap()).toBeUndefined();
  });
});

describe('what a viewer may try', () => {
  it('follows the part that the viewer has in the request', async () => {
    const { clock, engine, ask, read } = await anEngine();
    const { id } = (await ask()).request;
    const deeds = async (viewer: string, isReviewer = false, mayRevoke = false) =>
      Object.entries(deedsOf(await read(id), viewer, { isReviewer, mayRevoke }))
        .filter(([, may]) => may)
        .map(([deed]) => deed)
        .join(' ');
    expect(await deeds('user:lin')).toBe('comment change cancel');
    expect(await deeds('user:maya')).toBe('comment cancel');
    expect(await deeds('user:sam', true)).toBe('comment');
    expect(await deeds('user:eve', false, true)).toBe('');
    await engine.approve(id, { by: 'user:sam' });
    expect(await deeds('user:lin')).toBe('extend');
    expect(await deeds('user:maya', false, true)).toBe('extend release');
    expect(await deeds('user:sam', true)).toBe('');
    expect(await deeds('user:eve', false, true)).toBe('revoke');
    await clock.advance(30 * MINUTE);
    for (const viewer of ['user:lin', 'user:maya', 'user:eve']) expect(await deeds(viewer, true, true)).toBe('');
  });
});
