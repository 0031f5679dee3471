import { FaultyStore } from '../../../src/testing.js';
import { MemoryGrantStore, type GrantStore, type JitEngineOptions } from '../../../src/index.js';
import type { LiveQuery, Row } from '../../../src/store.js';
import { createView, type CreateViewOptions, type LiveView } from '../../../src/view.js';
import { anEngine } from '../../engine/an-engine.js';

/** A store in another process: its answers come later, and it gives no hints. */
export class RemoteStore extends FaultyStore {
  override readonly durability = 'server';

  constructor(inner: GrantStore) {
    super(inner);
    Object.defineProperty(this, 'watch', { value: undefined });
  }

  override async live(query: LiveQuery): Promise<readonly Row[]> {
    return super.live(query);
  }
}

/** An engine, and a view of another process over the same store. Each fails by itself. No time passes, so the view does not poll. */
export function aView(options: Partial<CreateViewOptions> = {}, engineOptions: Partial<JitEngineOptions> = {}) {
  const memory = new MemoryGrantStore({ namespace: 'team' });
  const made = anEngine({ store: new RemoteStore(memory), ...engineOptions });
  const viewStore = new RemoteStore(memory);
  const viewTold: unknown[] = [];
  const { clock } = made;
  const view = createView({ store: viewStore, clock, onError: (error) => viewTold.push(error), ...options });
  return { ...made, memory, view, viewStore, viewTold };
}

/** The answers of both questions, which must agree. */
export function answer(view: LiveView, subject: string, scope: string): string {
  const decision = view.check(subject, scope);
  if (decision.allowed !== view.isAllowed(subject, scope)) throw new Error(`check and isAllowed differ: ${JSON.stringify(decision)}`);
  return decision.reason;
}
