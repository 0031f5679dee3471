import { yieldToOthers } from '../../src/core/turns.js';
import type { ManualClock } from '../../src/testing.js';

/** Runs other tasks until a caller sleeps on the clock: for an approver that hangs, until its time limit runs. */
export async function untilAsleep(clock: ManualClock): Promise<void> {
  for (let turn = 0; clock.sleepers === 0; turn++) {
    if (turn === 1_000) throw new Error('nobody waits for the clock');
    await yieldToOthers();
  }
}
