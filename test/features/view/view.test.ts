import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import { JitEngine, MemoryGrantStore, patternScopes, reviewers } from '../../../src/index.js';
import { viewOf } from '../../../src/view.js';
import { aGranted, ANA, ask, HOUR, MAYA, MINUTE, SAM, SCOPE } from '../../engine/an-engine.js';
import { answer, aView } from './a-view.js';

describe('a view', () => {
  it('denies before it is loaded, and answers as a check from then on', async () => {
    const { engine, view } = aView();
    expect([answer(view, MAYA, SCOPE), view.freshAt]).toEqual(['not_loaded', undefined]);
    const grant = await aGranted(engine);
    await view.refresh();
    const { grant: granted, ...decision } = await engine.check(MAYA, SCOPE);
    expect(granted?.id).toBe(grant.id);
    expect(view.check(MAYA, SCOPE)).toEqual({ ...decision, grantId: grant.id });
    expect([answer(view, SAM, SCOPE), answer(view, MAYA, 'db-prod:read')]).toEqual(['no_grant', 'no_grant']);
    expect(view.freshAt).toBe(decision.at);
    expect(view.seq).toBe((await journalHead(engine)).seq);
    view.close();
  });

  it('L12 follows grants and revokes', async () => {
    const { engine, view } = aView();
    await view.refresh();
    const grant = await aGranted(engine);
    expect(answer(view, MAYA, SCOPE)).toBe('no_grant');
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    await engine.revoke(grant.id, { by: SAM });
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('no_grant');
    view.close();
  });

  it('L1 ends a grant by the clock alone', async () => {
    const { engine, clock, view } = aView({ maxStaleMs: HOUR, pollMs: HOUR / 2 });
    const grant = await aGranted(engine);
    await view.refresh();
    await clock.set(grant.expiresAt - 1);
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    await clock.set(grant.expiresAt);
    expect(answer(view, MAYA, SCOPE)).toBe('no_grant');
    view.close();
  });

  it.each(['1s', '1h', '7h'] as const)(
    'L12 [FE6] asks the store once while a fake clock moves by %s, and is fresh afterwards',
    async (by) => {
      const { engine, clock, view, viewStore, viewTold } = aView();
      const grant = await aGranted(engine, { ttl: '8h' });
      await view.refresh();
      // The poll that begins with the view sleeps on the clock.
      while (clock.sleepers === 0) await new Promise(setImmediate);
      for (const expected of ['granted', 'no_grant']) {
        const before = viewStore.called('journal');
        await clock.advance(by);
        // One question, and one for the entries that came with it.
        expect(viewStore.called('journal') - before).toBeLessThanOrEqual(2);
        expect([answer(view, MAYA, SCOPE), view.freshAt]).toEqual([expected, clock.now()]);
        if (expected === 'granted') await engine.revoke(grant.id, { by: SAM });
      }
      expect(viewTold).toEqual([]);
      view.close();
    },
  );

  it.each(['journal', 'find', 'get', 'live'] as const)(
    'L38 [FE7] reads again where a call of %s never settles, also after the store answers again, and reports it',
    async (method) => {
      // With patterns, the rows of a subject are read again after each of its entries, and `get` reads the locks.
      const { engine, clock, view, viewStore, viewTold } = aView({ scopes: patternScopes }, { scopes: patternScopes });
      if (method !== 'find') await view.refresh();
      viewStore.inject(method, { fault: 'hang' });
      await aGranted(engine, { ttl: '8h' });
      await engine.lock({ subject: SAM }, { by: ANA });
      while (clock.sleepers === 0) await new Promise(setImmediate);
      await clock.advance('2s');
      expect(answer(view, MAYA, SCOPE)).toMatch(/stale_view|not_loaded/);
      viewStore.clear();
      // The call that hangs is given up, and the next poll reads again.
      for (let i = 0; i < 15; i++) await clock.advance('1s');
      expect([answer(view, MAYA, SCOPE), view.freshAt]).toEqual(['granted', clock.now()]);
      expect(viewTold).toMatchObject([{ code: 'ERR_JIT_STORE', operation: method }]);
      view.close();
    },
  );

  it('L45 denies from maxStaleMs on where the store does not answer', async () => {
    const { engine, clock, view, viewStore } = aView({ maxStaleMs: 1_000 });
    await aGranted(engine);
    await view.refresh();
    const at = clock.now();
    viewStore.inject('all', { fault: 'reject' });
    await clock.set(at + 999);
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    await clock.set(at + 1_000);
    expect(answer(view, MAYA, SCOPE)).toBe('stale_view');
    viewStore.clear();
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    view.close();
  });

  it('judges two grants of a pair, scheduled starts and locks by the rule of a check', async () => {
    const { engine, clock, view } = aView();
    await view.refresh();
    const first = await aGranted(engine);
    const { request } = await engine.extend(first.id, { requestedBy: MAYA, ttl: '20m' });
    await engine.approve(request.id, { by: SAM });
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    await engine.revokeAll({ subject: MAYA }, { by: SAM });
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('no_grant');
    await aGranted(engine, { startsAt: clock.now() + HOUR, scopes: ['later'] });
    await view.refresh();
    expect(answer(view, MAYA, 'later')).toBe('not_started');
    await aGranted(engine, { subject: ANA });
    await engine.lock({ subject: ANA }, { by: SAM });
    await view.refresh();
    expect(answer(view, ANA, SCOPE)).toBe('locked');
    view.close();
  });

  it('loads a subject when it is asked about', async () => {
    const { engine, view } = aView({ load: 'asked' });
    await aGranted(engine);
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('not_loaded');
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    expect(answer(view, MAYA, 'other')).toBe('no_grant');
    await engine.revokeAll({ subject: MAYA }, { by: SAM });
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('no_grant');
    view.close();
  });

  it('judges other scopes by all rows of the subject', async () => {
    const { engine, view } = aView(
      { scopes: patternScopes },
      { scopes: patternScopes, approver: reviewers({ members: [SAM], patterns: true }) },
    );
    await ask(engine, { scopes: ['db-prod:*'] }).then(({ request }) => engine.approve(request.id, { by: SAM }));
    await view.refresh();
    expect(answer(view, MAYA, 'db-prod:read')).toBe('granted');
    await engine.revokeAll({ subject: MAYA }, { by: SAM });
    await view.refresh();
    expect(answer(view, MAYA, 'db-prod:read')).toBe('no_grant');
    view.close();
  });
});

describe('viewOf()', () => {
  it.each([
    ['a scope', SCOPE, {}],
    ['a pattern', 'db-prod:*', { scopes: patternScopes, approver: reviewers({ members: [SAM], patterns: true }) }],
  ])('L12 denies as soon as the engine has resolved the revoke of %s, without another answer of the store', async (_, scope, options) => {
    const { engine, store } = aView({}, options);
    const view = viewOf(engine);
    const grant = await aGranted(engine, { scopes: [scope] });
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    store.inject('journal', { fault: 'reject' });
    await engine.revoke(grant.id, { by: SAM });
    expect(answer(view, MAYA, SCOPE)).toBe('no_grant');
    await engine.close();
    expect(answer(view, MAYA, SCOPE)).toBe('stale_view');
  });

  it('is never stale over an in-memory store', async () => {
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: reviewers({ members: [SAM] }) });
    const view = viewOf(engine);
    const grant = await aGranted(engine, { ttl: 15 * MINUTE });
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    await engine.revoke(grant.id, { by: SAM });
    expect(answer(view, MAYA, SCOPE)).toBe('no_grant');
    await engine.close();
  });
});
