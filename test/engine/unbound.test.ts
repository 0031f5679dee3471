import { JitEngine, type Action } from 'jit-access';
import { createChecker } from 'jit-access/check';
import { createClient } from 'jit-access/client';
import { viewOf } from 'jit-access/view';
import { describe, expect, it, vi } from 'vitest';
import { aView } from '../features/view/a-view.js';
import { aGranted, anEngine, MAYA, SCOPE } from './an-engine.js';

/* [A16] A check works without its object, as in `const { isAllowed } = engine`. */

describe('[A16] a check without its object', () => {
  it.each(['an engine', 'a checker'])('works for isAllowed, check and assertAllowed of %s', async (kind) => {
    const { engine, store, clock } = anEngine();
    const { id } = await aGranted(engine);
    const { isAllowed, check, assertAllowed } = kind === 'an engine' ? engine : createChecker({ store, clock });
    expect(await isAllowed(MAYA, SCOPE)).toBe(true);
    expect(await check(MAYA, SCOPE)).toMatchObject({ allowed: true, grant: { id } });
    expect(await assertAllowed(MAYA, SCOPE)).toMatchObject({ allowed: true });
    await expect(assertAllowed('user:eve', SCOPE)).rejects.toMatchObject({ code: 'ERR_JIT_DENIED' });
  });

  it('works for isAllowed and check of a view, over a copy and over a store that answers at once', async () => {
    const { engine, view: copied } = aView({ load: 'all' });
    await aGranted(engine);
    const here = anEngine();
    await aGranted(here.engine);
    const views = [copied, viewOf(here.engine)];
    for (const view of views) {
      await view.refresh();
      const { isAllowed, check } = view;
      expect([isAllowed(MAYA, SCOPE), check(MAYA, SCOPE).allowed, isAllowed('user:eve', SCOPE)]).toEqual([true, true, false]);
      view.close();
      expect(isAllowed(MAYA, SCOPE)).toBe(false);
    }
  });

  it('works for each method of a client', async () => {
    const { health } = createClient({ baseUrl: 'https://access.example.com', fetch: async () => Response.json({ status: 'ok' }) });
    expect(await health()).toMatchObject({ status: 'ok' });
  });

  it('calls the override of a subclass, which reaches its own fields and the engine', async () => {
    const { store, clock } = anEngine();
    class Counting extends JitEngine {
      #calls = 0;
      get calls() {
        return this.#calls;
      }
      override async isAllowed(subject: string, action: Action): Promise<boolean> {
        this.#calls += 1;
        return super.isAllowed(subject, action);
      }
    }
    const engine = new Counting({ store, clock, approver: { name: 'auto', decide: () => ({ outcome: 'approve' }) } });
    await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '15m' });
    const { isAllowed } = engine;
    expect([await isAllowed(MAYA, SCOPE), await engine.isAllowed(MAYA, SCOPE), engine.calls]).toEqual([true, true, 2]);
  });

  it('can be replaced by a spy, and is no enumerable property', async () => {
    const { engine } = anEngine();
    const spy = vi.spyOn(engine, 'isAllowed').mockResolvedValue(true);
    expect([await engine.isAllowed('user:eve', SCOPE), spy.mock.calls.length]).toEqual([true, 1]);
    spy.mockRestore();
    expect(await engine.isAllowed('user:eve', SCOPE)).toBe(false);
    expect(Object.keys(engine)).toEqual(['clock']);
  });
});
