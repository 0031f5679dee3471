import { describe, expect, it } from 'vitest';
import { JitEngine, MemoryGrantStore, reviewers } from '../../../src/index.js';
import { viewOf } from '../../../src/view.js';
import { aGranted, ANA, MAYA, SAM, SCOPE } from '../../engine/an-engine.js';
import { answer, aView } from './a-view.js';

const standing = { [ANA]: [SCOPE] };

describe('a closed view', () => {
  it('allows standing access only, over a copy', async () => {
    const { engine, view } = aView({ standing }, { standing });
    await aGranted(engine);
    await view.refresh();
    expect([answer(view, MAYA, SCOPE), answer(view, ANA, SCOPE)]).toEqual(['granted', 'standing']);
    view.close();
    expect([answer(view, MAYA, SCOPE), answer(view, ANA, SCOPE)]).toEqual(['stale_view', 'standing']);
  });

  it('allows standing access only, over an in-memory store', async () => {
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: reviewers({ members: [SAM] }), standing });
    const view = viewOf(engine);
    await aGranted(engine);
    expect([answer(view, MAYA, SCOPE), answer(view, ANA, SCOPE)]).toEqual(['granted', 'standing']);
    await engine.close();
    expect([answer(view, MAYA, SCOPE), answer(view, ANA, SCOPE)]).toEqual(['stale_view', 'standing']);
  });
});
