import { Stopwatch } from '../../core/stopwatch.js';
import { awaitsActivation, type GrantUse } from '../../lifecycle/status.js';
import type { Decision } from '../../records/index.js';
import { NONE } from '../../records/frozen.js';
import type { ClockReading } from '../../core/clock.js';
import { Activation } from './activation.js';
import { judgeReaching } from './checker.js';
import { EngineChecker } from './engine-checker.js';
import type { Kernel } from '../../kernel/kernel.js';

/** A decision by grants, with the data that it is based on. */
export interface Coverage {
  readonly decision: Decision;
  /** The decision, if a lock denies. */
  readonly locked: Decision | undefined;
  /** The live grants that reach the scope, whether or not they are usable now. None while a lock denies it. */
  readonly uses: readonly GrantUse[];
  /** The clock reading before the store read: the data is at least as new as that. Epoch milliseconds. */
  readonly begunAt: number;
  /** The time since just before the store read. */
  readonly age: Stopwatch;
  /** The reading after the store had answered, at which the grants were judged. */
  readonly reading: ClockReading;
}

/**
 * A check by grants alone, with its data, from one read of the store. It activates the grants whose start has come. It waits
 * for an activation only if no other grant allows: an approver that hangs must not delay an access that another grant gives.
 *
 * @param waits false: never waits for an activation. The activation continues in the background, and followers of the journal
 *   learn of it from its entry
 */
export async function coverageOf(kernel: Kernel, subject: string, scope: string, waits = true): Promise<Coverage> {
  const { clock, settings } = kernel;
  const checker = kernel.part(EngineChecker);
  const tried = new Set<string>();
  for (;;) {
    const age = new Stopwatch(settings.clock);
    const begunAt = clock.read().now;
    const rows = await checker.live(subject, scope);
    const reading = clock.read();
    const reaching = checker.reaching(rows, subject, scope, reading.now);
    const uses = unlocked(reaching);
    const decision = judgeReaching(reaching, subject, scope, reading);
    const locked = decision.reason === 'locked' ? decision : undefined;
    const waiting = uses.filter((use) => awaitsActivation(use, reading) && !tried.has(use.grant.id));
    const asked = waiting.map(async ({ grant }) => (tried.add(grant.id), kernel.part(Activation).activateForCheck(grant.id, subject)));
    if (asked.length === 0 || decision.allowed || !waits) return { decision, locked, uses, begunAt, age, reading };
    if (!(await Promise.all(asked)).includes(true)) return { decision, locked, uses, begunAt, age, reading };
  }
}

/** The live grants that reach a scope, whether or not they are usable now. None while a lock denies it. */
export async function grantsReaching(kernel: Kernel, subject: string, scope: string): Promise<readonly GrantUse[]> {
  const checker = kernel.part(EngineChecker);
  const rows = await checker.live(subject, scope);
  kernel.ledger.noted(rows);
  return unlocked(checker.reaching(rows, subject, scope, kernel.clock.read().now));
}

const unlocked = (reaching: readonly GrantUse[] | number): readonly GrantUse[] => (typeof reaching === 'number' ? NONE : reaching);
