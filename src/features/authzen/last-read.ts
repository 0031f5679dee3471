import { askBounded } from '../../core/ask-bounded.js';
import type { Row } from '../../core/store-port.js';
import type { ClockReading } from '../../core/clock.js';
import { TurnBudget } from '../../core/turns.js';
import { judgeReaching } from '../../engine/checks/checker.js';
import { EngineChecker } from '../../engine/checks/engine-checker.js';
import type { TupleAccess } from './profile.js';
import { refuseIfLate, type Target, type AuthzenContext } from './authzen-context.js';

/** Access that a call has found to be allowed. */
export interface AllowedAccess {
  readonly target: Target;
  /** The tuple that the access must be for. `undefined`: access for any tuple counts. */
  readonly tuple: TupleAccess | undefined;
}

/**
 * Whether each access is still allowed, by one last read for each subject. It judges all of them at one instant after all reads. It asks
 * no approver, so no subject's due start keeps the yes of another subject stale (L1, L12). It only turns a yes into a no.
 */
export async function readLast(env: AuthzenContext, found: readonly AllowedAccess[]): Promise<readonly boolean[]> {
  const { kernel } = env;
  kernel.refuseIfClosed();
  const checker = kernel.part(EngineChecker);
  const rows = await rowsOf(env, found);
  const reading = kernel.clock.read();
  return found.map((access) => isStillAllowed(env, checker, access, rows.get(access.target.subject) ?? [], reading));
}

/** The live rows of each subject. Standing access needs no store, unless it obeys locks. */
async function rowsOf(env: AuthzenContext, found: readonly AllowedAccess[]): Promise<ReadonlyMap<string, readonly Row[]>> {
  const { kernel } = env;
  const checker = kernel.part(EngineChecker);
  const { standingObeysLocks } = kernel.settings;
  const byStore = found.filter(({ target }) => standingObeysLocks || checker.standing(target.subject, target.scope) === undefined);
  const subjects = new Set(byStore.map(({ target }) => target.subject));
  const turns = new TurnBudget();
  const reads = askBounded([...subjects], async (subject) => {
    refuseIfLate(env);
    await turns.spend(1);
    return [subject, await checker.live(subject)] as const;
  });
  return new Map(await Promise.all(reads));
}

function isStillAllowed(
  { kernel }: AuthzenContext,
  checker: EngineChecker,
  { target: { subject, scope }, tuple }: AllowedAccess,
  rows: readonly Row[],
  reading: ClockReading,
): boolean {
  const uses = checker.reaching(rows, subject, scope, reading.now);
  const isLocked = typeof uses === 'number';
  if (!(isLocked && kernel.settings.standingObeysLocks) && checker.standing(subject, scope) !== undefined) return true;
  const own = tuple === undefined || isLocked ? uses : uses.filter(({ grant }) => tuple.isKnownFor(grant.requestId));
  return judgeReaching(own, subject, scope, reading).allowed;
}
