import { isUnsettled, makeEffect, toJson, type Effect, type EffectOutcome, type EntryType } from '../records/index.js';
import { pauseMs, type Pauses } from './backoff.js';
import { isOver, isUsable, type Held, type Instants } from './status.js';
import { EFFECTS, nextVersion, stamp, type Moment, type Step, unchanged } from './transition.js';

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
export function isCovered(held: readonly Held[], { now, late }: Instants): boolean {
  return held.some((one) => isUsable(one, { now: Math.max(now, one.grant.activatedAt ?? now), late }));
}

/** Whether nothing is to be told: there is no access and never was, or what was told last says what is so. */
export const isTold = (effect: Effect | undefined, held: boolean): boolean => (effect?.held ?? false) === held;

/** Whether it is time to tell. */
export const isDue = (effect: Effect | undefined, { highest }: Pick<Moment, 'highest'>): effect is Effect =>
  effect !== undefined && effect.outcome === undefined && isOver(effect.tryAt, { late: highest });

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
): Step<Effect> {
  const at = stamp(moment, before);
  const { held, seq } = change;
  // At once: what a clock ahead of this one has stamped is no reason to wait.
  const isNew = { held, seq, intendedAt: at, failures: 0, problem: undefined, tryAt: moment.now, changedAt: at, outcome: undefined };
  const { id, name, subject, scope } = key;
  return effectStep(makeEffect({ id, version: nextVersion(before), name, subject, scope, ...isNew }), 'effect.intended', EFFECTS);
}

/** The system has taken the change. */
export function settleEffect(effect: Effect, moment: Moment): Step<Effect> {
  return endEffect(effect, { status: 'done', by: EFFECTS, reason: undefined }, 'effect.done', moment);
}

/** A call has failed: the next comes later, or there is none. */
export function failEffect(effect: Effect, problem: string, backoff: Backoff, moment: Moment): Step<Effect> {
  const failures = effect.failures + 1;
  const failed = makeEffect({ ...effect, failures, problem });
  if (failures >= backoff.tries) return endEffect(failed, { status: 'stuck', by: EFFECTS, reason: undefined }, 'effect.stuck', moment);
  const at = stamp(moment, effect);
  const tryAt = moment.now + pauseMs(`${effect.id}.${effect.seq}`, failures, backoff);
  const next = { ...failed, version: nextVersion(effect), tryAt, changedAt: at };
  return effectStep(makeEffect(next), 'effect.failed', EFFECTS);
}

/** A stuck change gets all of its calls again. It stays the same change. */
export function retryEffect(effect: Effect, moment: Moment): Step<Effect> {
  if (effect.outcome?.status !== 'stuck') return unchanged(effect);
  const at = stamp(moment, effect);
  const next = { ...effect, version: nextVersion(effect), failures: 0, tryAt: moment.now, changedAt: at, outcome: undefined };
  return effectStep(makeEffect(next), 'effect.retried', moment.actor);
}

/** Somebody has seen to it by other means. What is done, or set aside already, stays as it is. */
export function dismissEffect(effect: Effect, reason: string | undefined, moment: Moment): Step<Effect> {
  if (!isUnsettled(effect)) return unchanged(effect);
  return endEffect(effect, { status: 'dismissed', by: moment.actor, reason }, 'effect.dismissed', moment);
}

function endEffect(effect: Effect, outcome: Omit<EffectOutcome, 'at'>, type: EntryType, moment: Moment): Step<Effect> {
  const at = stamp(moment, effect);
  const next = { ...effect, version: nextVersion(effect), changedAt: at, outcome: { ...outcome, at } };
  return effectStep(makeEffect(next), type, outcome.by);
}

function effectStep(next: Effect, type: EntryType, actor: string): Step<Effect> {
  const { kind: _kind, id: effectId, ...fields } = next;
  return { result: next, put: [next], entries: [{ type, at: next.changedAt, actor, data: toJson({ effectId, ...fields }) }] };
}
