import { DeniedError, IdempotencyError } from '../../core/errors.js';
import { assertBoolean, invalid, readId, readOptions } from '../../core/parse.js';
import type { MaybePromise } from '../../core/ports.js';
import { reaches } from '../../lifecycle/check.js';
import { lockedUntil } from '../../lifecycle/lock.js';
import { isUsable } from '../../lifecycle/status.js';
import { moment, noChange, type Transition } from '../../lifecycle/transition.js';
import { consumeUse, grantToConsume, isRepeatable, isTouchDue, touchGrant } from '../../lifecycle/usage.js';
import type { Decision, Grant, Use } from '../../records/index.js';
import type { Consumption } from '../answers.js';
import { denied, judgeReaching } from './checker.js';
import { EngineChecker } from './engine-checker.js';
import { grantsReaching } from './coverage.js';
import { derivedId } from '../../kernel/ledger/ids.js';
import { loadLocks } from '../../kernel/loading/locks.js';
import type { Kernel } from '../../kernel/kernel.js';
import { withStatus, type GrantWithStatus } from '../with-status.js';

/** Records the use in the background, or before the answer. It never changes the answer. */
export async function touchAfter(kernel: Kernel, answer: MaybePromise<Decision>, touch: true | 'wait'): Promise<Decision> {
  const decision = await answer;
  const write = touchGrants(kernel, decision);
  if (touch === 'wait') await write.catch((error: unknown) => kernel.settings.onError(error, 'touch'));
  else kernel.background.run(write, 'touch');
  return decision;
}

/** Records the use of a scope on each grant that allows it and has an idle end. Most calls write nothing. */
async function touchGrants(kernel: Kernel, { subject, scope, reason }: Decision): Promise<void> {
  if (reason !== 'granted') return;
  const { clock, ledger } = kernel;
  const uses = await grantsReaching(kernel, subject, scope);
  const reading = clock.read();
  for (const { grant } of uses.filter((use) => isTouchDue(use, reading))) {
    await ledger.run(async () => touchGrant(await ledger.grantUse(grant.id), moment(clock, subject)));
  }
}

/** The options of `consume`. */
export interface ConsumeOptions {
  /**
   * Makes a repeat safe. The id derived from it is not secret. The engine knows the key while the grant is stored, and at least until
   * its expiry. After a purge the same key takes a new use. Default: none.
   */
  readonly idempotencyKey?: string | undefined;
}

/** Reads the key of a use. @throws InvalidArgumentError */
export function readUseKey(options: unknown): string | undefined {
  const { idempotencyKey } = readOptions<keyof ConsumeOptions>('options', options, ['idempotencyKey']);
  return idempotencyKey === undefined ? undefined : readId('idempotencyKey', idempotencyKey);
}

/**
 * Takes a use of the grant that ends first among those that have uses left. If only a grant without a number of uses or
 * standing access allows the call, it takes none.
 */
export async function consume(kernel: Kernel, subject: string, scope: string, key: string | undefined): Promise<Consumption> {
  const consumption = await consumeOrRepeat(kernel, subject, scope, key);
  if (consumption.reused) await kernel.ledger.confirmDurable();
  return consumption;
}

async function consumeOrRepeat(kernel: Kernel, subject: string, scope: string, key: string | undefined): Promise<Consumption> {
  const useId = key === undefined ? undefined : derivedId(kernel.ledger.store.namespace, 'consume', subject, key);
  const before = await useOf(kernel, useId);
  if (before !== undefined) return repeatUse(kernel, before, scope);
  try {
    return await takeUse(kernel, subject, scope, useId);
  } catch (error) {
    // A concurrent call with this key may have taken the last use in the meantime. This call is then a repeat of it (L11).
    const concurrent = error instanceof DeniedError && !error.reused ? await useOf(kernel, useId) : undefined;
    if (concurrent === undefined) throw error;
    return repeatUse(kernel, concurrent, scope);
  }
}

/**
 * @param useId the id under which the use is recorded. `undefined`: the caller gave no idempotency key
 * @param isHeld whether running work (`withAccess` of `jit-access/work`) holds the use: the last use then does not end the grant
 */
export async function takeUse(
  kernel: Kernel,
  subject: string,
  scope: string,
  useId: string | undefined,
  isHeld = false,
): Promise<Consumption> {
  const checker = kernel.part(EngineChecker);
  const decision = await checker.check(subject, scope);
  if (!decision.allowed) throw denied(decision);
  return kernel.ledger.run<Consumption>(async () => {
    const before = await useOf(kernel, useId);
    if (before !== undefined) return noChange(await repeatUse(kernel, before, scope));
    const locks = await loadLocks(kernel);
    const uses = await grantsReaching(kernel, subject, scope);
    const now = moment(kernel.clock, subject);
    const usable = uses.filter((use) => isUsable(use, now));
    const chosen = grantToConsume(usable);
    const consumption = { allowed: true, reused: false, subject, scope, at: now.now } as const;
    if (chosen?.usage !== undefined) {
      const counted = { grant: chosen.grant, usage: chosen.usage };
      const step = consumeUse(counted, useId === undefined ? undefined : { id: useId, scope }, locks, now, isHeld);
      const { grant, usesLeft } = step.result;
      return { ...step, result: { ...consumption, grant: usedGrant(grant), usesLeft } };
    }
    return uncounted(decision, { ...consumption, grant: usable[0] && usedGrant(usable[0].grant), usesLeft: undefined });
  });
}

async function useOf({ ledger }: Kernel, useId: string | undefined): Promise<Use | undefined> {
  return useId === undefined ? undefined : ledger.use(useId);
}

/**
 * Returns a use that an earlier call took (L36). It takes no further use, and allows only while the grant allows.
 *
 * @throws DeniedError if the grant no longer allows. It carries the use, for a caller without a record of its first call.
 */
async function repeatUse(kernel: Kernel, { id, grantId, subject, scope: usedFor, at, usesLeft }: Use, scope: string): Promise<Consumption> {
  if (usedFor !== scope) throw new IdempotencyError(id);
  const { clock, ledger, settings } = kernel;
  // Before the grant: a lock may end it and be lifted in between.
  const { row, overlaps } = await loadLocks(kernel);
  const uses = (await ledger.grantsWithUsage([grantId])).filter(({ grant }) => reaches(settings.scopes, grant.scope, scope));
  const reading = clock.read();
  // The last use has ended its grant, so no pass of a lock meets that grant.
  const locked = lockedUntil(row?.locks ?? [], overlaps, subject, scope, reading.now);
  const grant = locked === undefined ? uses.find((use) => isRepeatable({ usesLeft }, use, reading))?.grant : undefined;
  if (grant !== undefined) return { allowed: true, reused: true, subject, scope, at, grant: usedGrant(grant), usesLeft };
  const takenAt = new Date(at).toISOString();
  throw new DeniedError(
    `this idempotencyKey took a use of ${scope} at ${takenAt}, and grant ${grantId} allows nothing now`,
    subject,
    judgeReaching(locked ?? uses, subject, scope, reading),
    { at, usesLeft },
  );
}

/** A grant without an end is active here, because it allows the use. Its last use may have ended it just now. */
const usedGrant = (grant: Grant): GrantWithStatus => withStatus(grant, grant.end?.status ?? 'active');

function uncounted(decision: Decision, consumption: Consumption): Transition<Consumption> {
  if (consumption.grant !== undefined || decision.reason === 'standing') return noChange(consumption);
  // A concurrent call took the last use after the check.
  throw new DeniedError(`${decision.subject} has no use of ${decision.scope} left`, decision.subject, {
    ...decision,
    allowed: false,
    reason: 'no_grant',
    grant: undefined,
    validUntil: undefined,
  });
}

/** What a check also writes. */
export interface CheckOptions {
  /**
   * Also records the use, for grants with an idle end. `true`: in the background. `'wait'`: the check answers after the write. It
   * writes a use only when the last recorded one is older than a tenth of the idle time, so an idle end comes early by at most that
   * much. A use never revives a grant. A failure to write it is reported to `onError` and changes no answer. Default: false.
   */
  readonly touch?: boolean | 'wait' | undefined;
  /** Whether this check records that it used a grant. Default: the engine's option `recordUse`. */
  readonly recordUse?: boolean | undefined;
}

/** @throws InvalidArgumentError */
export function readCheckOptions(options: unknown): { readonly touch: boolean | 'wait'; readonly recordUse: boolean | undefined } {
  const { touch = false, recordUse } = readOptions<keyof CheckOptions>('options', options, ['touch', 'recordUse']);
  if (typeof touch !== 'boolean' && touch !== 'wait') throw invalid('touch', "true, false or 'wait'", touch);
  if (recordUse !== undefined) assertBoolean('recordUse', recordUse);
  return { touch, recordUse };
}
