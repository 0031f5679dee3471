import { kernelOf } from '../kernel/kernel-of.js';
import type { Anchor } from '../records/index.js';
import type { JitEngine } from './engine.js';

/**
 * The journal's newest anchor. Export it at intervals: with it, `verifyJournal` also finds a truncation.
 *
 * @throws StoreError, ClosedError
 * @example
 * const exported = await journalHead(engine); // { seq, hash }
 */
export async function journalHead(engine: JitEngine): Promise<Anchor> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  return (await kernel.ledger.journal()).head;
}
