import { isUnsettled, makeEffect, toJson, type Effect, type EffectOutcome, type EntryType } from '../records/index.js';
import { pauseMs, type Pauses } from './backoff.js';
import { hasPassed, isUsable, type GrantUse, type Instants } from './status.js';
import { EFFECTS, nextVersion, stamp, type Moment, type Transition, noChange } from './transition.js';

/*
 * What a system outside is to be told about one subject and one scope. A change is intended before the first call and
 * done after the last; every entry carries the whole record, so that it can be read, and replayed, by itself.
 */

/** Which system, about whom and what. */
export type EffectKey = Pick<Effect, 'id' | 'name' | 'subject' | 'scope'>;

/** How failed calls are repeated. */
export interface Backoff extends Pauses {
  /** How many calls a change gets before it is stuck. */
  readonly tries: number;
}

/**
 * Whether a system outside is to give the access now. A start on record counts even where this process's clock lags
 * behind the one that recorded it: nothing would ask again when it has caught up.
 */
export function isCovered(held: readonly GrantUse[], { now, forEnds }: Instants): boolean {
  return held.some((one) => isUsable(one, { now: Math.max(now, one.grant.activatedAt ?? now), forEnds }));
}

/** Whether nothing is to be told: there is no access and never was, or what was told last says what is so. */
export const isTold = (effect: Effect | undefined, held: boolean): boolean => (effect?.held ?? false) === held;

/** Whether it is time to tell. */
export const isDue = (effect: Effect | undefined, { highWater }: Pick<Moment, 'highWater'>): effect is Effect =>
  effect !== undefined && effect.outcome === undefined && hasPassed(effect.tryAt, { forEnds: highWater });

/**
 * A change that is to be told, in place of whatever was to be told before.
 *
 * @param seq higher than that of every change before
 */
export function intendEffect(
  before: Effect | undefined,
  key: EffectKey,
  change: Pick<Effect, 'held' | 'seq'>,
  moment: Moment,
): Transition<Effect> {
  const at = stamp(moment, before);
  const { held, seq } = change;
  // At once: what a clock ahead of this one has stamped is no reason to wait.
  const isNew = { held, seq, intendedAt: at, failures: 0, problem: undefined, tryAt: moment.now, changedAt: at, outcome: undefined };
  const { id, name, subject, scope } = key;
  return effectStep(makeEffect({ id, version: nextVersion(before), name, subject, scope, ...isNew }), 'provisioning.intended', EFFECTS);
}

/** The system has taken the change. */
export function settleEffect(effect: Effect, moment: Moment): Transition<Effect> {
  return endEffect(effect, { status: 'done', by: EFFECTS, reason: undefined }, 'provisioning.done', moment);
}

/** A call has failed: the next comes later, or there is none. */
export function failEffect(effect: Effect, problem: string, backoff: Backoff, moment: Moment): Transition<Effect> {
  const failures = effect.failures + 1;
  const failed = makeEffect({ ...effect, failures, problem });
  if (failures >= backoff.tries)
    return endEffect(failed, { status: 'stuck', by: EFFECTS, reason: undefined }, 'provisioning.stuck', moment);
  const at = stamp(moment, effect);
  const tryAt = moment.now + pauseMs(`${effect.id}.${effect.seq}`, failures, backoff);
  const next = { ...failed, version: nextVersion(effect), tryAt, changedAt: at };
  return effectStep(makeEffect(next), 'provisioning.failed', EFFECTS);
}

/** A stuck change gets all of its calls again. It stays the same change. */
export function retryEffect(effect: Effect, moment: Moment): Transition<Effect> {
  if (effect.outcome?.status !== 'stuck') return noChange(effect);
  const at = stamp(moment, effect);
  const next = { ...effect, version: nextVersion(effect), failures: 0, tryAt: moment.now, changedAt: at, outcome: undefined };
  return effectStep(makeEffect(next), 'provisioning.retried', moment.actor);
}

/** Somebody has seen to it by other means. What is done, or set aside already, stays as it is. */
export function dismissEffect(effect: Effect, reason: string | undefined, moment: Moment): Transition<Effect> {
  if (!isUnsettled(effect)) return noChange(effect);
  return endEffect(effect, { status: 'dismissed', by: moment.actor, reason }, 'provisioning.dismissed', moment);
}

function endEffect(effect: Effect, outcome: Omit<EffectOutcome, 'at'>, type: EntryType, moment: Moment): Transition<Effect> {
  const at = stamp(moment, effect);
  const next = { ...effect, version: nextVersion(effect), changedAt: at, outcome: { ...outcome, at } };
  return effectStep(makeEffect(next), type, outcome.by);
}

function effectStep(next: Effect, type: EntryType, actor: string): Transition<Effect> {
  const { kind: _kind, id: effectId, ...fields } = next;
  return { result: next, put: [next], entries: [{ type, at: next.changedAt, actor, data: toJson({ effectId, ...fields }) }] };
}
