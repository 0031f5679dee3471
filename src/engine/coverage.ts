import { Stopwatch } from '../core/stopwatch.js';
import { judge } from '../lifecycle/check.js';
import { awaitsActivation, type GrantUse } from '../lifecycle/status.js';
import type { Decision } from '../records/index.js';
import type { ClockReading, EngineClock } from '../core/time.js';
import type { CheckActivation } from './check-activation.js';
import type { Checker } from './checker.js';

/** What a decision by grants rests on. */
export interface Coverage {
  readonly decision: Decision;
  /** The live grants that reach the scope, whether or not they are usable now. */
  readonly held: readonly GrantUse[];
  /** The clock's reading before the store was asked: what this says was so then or later. Epoch milliseconds. */
  readonly begunAt: number;
  /** Started before the store was asked. */
  readonly age: Stopwatch;
  /** The reading after it had answered, at which all was judged. */
  readonly reading: ClockReading;
}

/** What reads coverage. */
export interface CoverageContext {
  readonly checker: Checker;
  readonly activation: CheckActivation;
  readonly clock: EngineClock;
}

/**
 * A check by grants alone, with all that it rests on, from one read of the store. What could be activated is. The call waits
 * for that only where nothing else allows, because an approver that hangs must not hold up what is covered anyway.
 *
 * @param waits false: not even then; the activation goes on in the background, and its entry in the journal announces it
 */
export async function coverageOf(
  { checker, activation, clock }: CoverageContext,
  subject: string,
  scope: string,
  waits = true,
): Promise<Coverage> {
  const tried = new Set<string>();
  for (;;) {
    const age = new Stopwatch(clock.clock);
    const begunAt = clock.read().now;
    const rows = await checker.live(subject, scope);
    const reading = clock.read();
    const held = checker.reaching(rows, subject, scope);
    const decision = judge(held, subject, scope, reading);
    const waiting = held.filter((one) => awaitsActivation(one, reading) && !tried.has(one.grant.id));
    const asked = waiting.map(async ({ grant }) => (tried.add(grant.id), activation.activate(grant.id, subject)));
    if (asked.length === 0 || decision.allowed || !waits) return { decision, held, begunAt, age, reading };
    if (!(await Promise.all(asked)).includes(true)) return { decision, held, begunAt, age, reading };
  }
}

/** The live grants that reach a scope, whether or not they are usable now. */
export async function grantsReaching(checker: Checker, subject: string, scope: string): Promise<readonly GrantUse[]> {
  return checker.reaching(await checker.live(subject, scope), subject, scope);
}
