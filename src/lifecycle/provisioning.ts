import {
  expectedStart,
  isUnsettled,
  makeProvisioningChange,
  toJson,
  type ProvisioningChange,
  type ProvisioningOutcome,
  type EntryType,
} from '../records/index.js';
import { isBase } from '../core/tolerance.js';
import { pauseMs, type Pauses } from './backoff.js';
import { hasPassed, isUsable, type GrantUse, type Instants } from './status.js';
import { PROVISIONING, nextVersion, stamp, type Moment, type Transition, noChange } from './transition.js';

/*
 * The changes that provisioning applies to one external system, for one subject and one scope. A change is intended before
 * the first call and done after the last. Every entry carries the whole record, so that it can be replayed by itself.
 */

/** Identifies the target, the subject and the scope of a change. */
export type ProvisioningKey = Pick<ProvisioningChange, 'id' | 'name' | 'subject' | 'scope'>;

/** The pauses between the calls of one change, and the number of these calls. */
export interface Backoff extends Pauses {
  /** How many calls a change gets before it has failed permanently (`stuck`). */
  readonly tries: number;
}

/** Whether an external system is to give the access now. */
export const isCovered = (uses: readonly GrantUse[], instants: Instants): boolean => uses.some((use) => isUsable(use, instants));

/**
 * The next recorded start that has not come on this process's clock: a change waits for it, so that a sweep applies the access then.
 * A clock that is ahead of this one recorded the start, so no entry follows when it comes. `undefined`: there is none, or `change`
 * waits for no later instant. A removal that is stuck stays stuck: it is reported until a person has handled it.
 */
export function opensAt(
  change: ProvisioningChange | undefined,
  uses: readonly GrantUse[],
  { now, highWater, forEnds }: Omit<Moment, 'actor'>,
): number | undefined {
  const starts = uses.flatMap(({ grant }) => (grant.activatedAt === undefined ? [] : [expectedStart(grant, forEnds)]));
  // Later than the reading by which `isDue` judges. Otherwise a process whose clock was set back would call without a pause.
  const start = Math.max(highWater + 1, Math.min(...starts.filter((at) => at > now)));
  const { outcome, tryAt } = change ?? { outcome: undefined, tryAt: Infinity };
  return start < (outcome === undefined ? tryAt : outcome.status === 'stuck' ? 0 : Infinity) ? start : undefined;
}

/** Whether no change is needed: there is no access and never was, or the last change has the current state. */
export const isUpToDate = (change: ProvisioningChange | undefined, held: boolean): boolean => (change?.held ?? false) === held;

/** Whether it is time for a call. A pause that a wrong clock began does not count (L47). */
export const isDue = (change: ProvisioningChange | undefined, { highWater }: Pick<Moment, 'highWater'>): change is ProvisioningChange =>
  change !== undefined &&
  change.outcome === undefined &&
  (hasPassed(change.tryAt, { forEnds: highWater }) || !isBase(change.changedAt, highWater));

/**
 * A new change, in place of the last one.
 *
 * @param change.seq higher than that of every change before
 * @param change.tryAt when to call. Default: now
 */
export function intendProvisioning(
  before: ProvisioningChange | undefined,
  key: ProvisioningKey,
  change: Pick<ProvisioningChange, 'held' | 'seq'> & { readonly tryAt?: number | undefined },
  moment: Moment,
): Transition<ProvisioningChange> {
  const at = stamp(moment, before);
  // Due at once by this clock: `at` may come from a clock that is ahead of it, and the call must not wait for that.
  const { held, seq, tryAt = moment.now } = change;
  const isNew = { held, seq, intendedAt: at, failures: 0, problem: undefined, tryAt, changedAt: at, outcome: undefined };
  const { id, name, subject, scope } = key;
  return provisioningTransition(
    makeProvisioningChange({ id, version: nextVersion(before), name, subject, scope, ...isNew }),
    'provisioning.intended',
    PROVISIONING,
  );
}

/** The external system has taken the change. */
export function settleProvisioning(change: ProvisioningChange, moment: Moment): Transition<ProvisioningChange> {
  return endProvisioning(change, { status: 'done', by: PROVISIONING, reason: undefined }, 'provisioning.done', moment);
}

/** A call has failed: the next follows later, or its tries are used up. */
export function failProvisioning(
  change: ProvisioningChange,
  problem: string,
  backoff: Backoff,
  moment: Moment,
): Transition<ProvisioningChange> {
  const failures = change.failures + 1;
  const failed = makeProvisioningChange({ ...change, failures, problem });
  if (failures >= backoff.tries)
    return endProvisioning(failed, { status: 'stuck', by: PROVISIONING, reason: undefined }, 'provisioning.stuck', moment);
  const at = stamp(moment, change);
  const tryAt = moment.now + pauseMs(`${change.id}.${change.seq}`, failures, backoff);
  const next = { ...failed, version: nextVersion(change), tryAt, changedAt: at };
  return provisioningTransition(makeProvisioningChange(next), 'provisioning.failed', PROVISIONING);
}

/** Gives a stuck change its full number of calls again. It stays the same change. */
export function retryProvisioning(change: ProvisioningChange, moment: Moment): Transition<ProvisioningChange> {
  if (change.outcome?.status !== 'stuck') return noChange(change);
  const at = stamp(moment, change);
  const next = { ...change, version: nextVersion(change), failures: 0, tryAt: moment.now, changedAt: at, outcome: undefined };
  return provisioningTransition(makeProvisioningChange(next), 'provisioning.retried', moment.actor);
}

/** A person has handled the change by other means. A change that is done or dismissed stays unchanged. */
export function dismissProvisioning(
  change: ProvisioningChange,
  reason: string | undefined,
  moment: Moment,
): Transition<ProvisioningChange> {
  if (!isUnsettled(change)) return noChange(change);
  return endProvisioning(change, { status: 'dismissed', by: moment.actor, reason }, 'provisioning.dismissed', moment);
}

function endProvisioning(
  change: ProvisioningChange,
  outcome: Omit<ProvisioningOutcome, 'at'>,
  type: EntryType,
  moment: Moment,
): Transition<ProvisioningChange> {
  const at = stamp(moment, change);
  const next = { ...change, version: nextVersion(change), changedAt: at, outcome: { ...outcome, at } };
  return provisioningTransition(makeProvisioningChange(next), type, outcome.by);
}

function provisioningTransition(next: ProvisioningChange, type: EntryType, actor: string): Transition<ProvisioningChange> {
  const { kind: _kind, id: provisioningId, ...fields } = next;
  return { result: next, put: [next], entries: [{ type, at: next.changedAt, actor, data: toJson({ provisioningId, ...fields }) }] };
}
