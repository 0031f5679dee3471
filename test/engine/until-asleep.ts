import { yieldToOthers } from '../../src/core/time.js';
import type { ManualClock } from '../../src/testing.js';

/** Lets others run until somebody waits for the clock: for an approver that hangs, until it is waited for. */
export async function untilAsleep(clock: ManualClock): Promise<void> {
  for (let turn = 0; clock.sleepers === 0; turn++) {
    if (turn === 1_000) throw new Error('nobody waits for the clock');
    await yieldToOthers();
  }
}
