import { isJitError, type AccessResult, type Duration, type Grant, type JitEngine, type LockTarget } from 'jit-access';
import { machineTime } from './jumping-clock.js';
import { Seeded } from './seeded.js';

/**
 * A transition that was acknowledged, with the entry that the journal must contain from then on. The id is that of the request, the
 * grant, the comment or the lock. A request that an amendment cancelled has the id of the new request. `grant.ended`: an end for any
 * cause.
 */
export type Ack = readonly [type: string, id: string];

export interface ChurnOptions {
  readonly seed: number;
  /** Unique among the calls of churn on one namespace. */
  readonly name: string;
  /** How many lanes run at a time. */
  readonly lanes: number;
  /** How many lives each lane runs. Default: no limit. */
  readonly lives?: number | undefined;
  /**
   * Failures after which a lane starts its next life. Any other failure is thrown. Default: none.
   *
   * @param since when the life began, by {@link machineTime}
   */
  readonly tolerates?: ((error: unknown, since: number) => boolean) | undefined;
  /** How long access under `maxHolders` lasts. Default: 15 minutes. */
  readonly holderTtl?: Duration | undefined;
  /** @param began when the verb was called, by {@link machineTime} */
  readonly onAck: (ack: readonly Ack[], began: number) => void;
  /** Checks a grant. Called after each change of it. Default: nothing is checked. */
  readonly look?: ((subject: string, scope: string) => Promise<void>) | undefined;
  /** Removes what ended long ago, also if only the clock of this process confirms that. Default: nothing is removed. */
  readonly purge?: ((force: boolean) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Runs seeded random lives, several at a time, and reports each transition once it is acknowledged: not a moment earlier. */
export async function churn(engine: JitEngine, options: ChurnOptions): Promise<void> {
  const { seed, lanes, lives = Infinity, tolerates = () => false, holderTtl = '15m', name, onAck, signal } = options;
  const { look = async () => undefined, purge } = options;
  const lead = async (lane: number): Promise<void> => {
    for (let life = 0; life < lives && signal?.aborted !== true; life++) {
      // Of its own: other lanes may shorten a life, and change none of the others.
      const chance = new Seeded(seed, lane, life);
      const subject = `user:${name}-${lane}-${life}`;
      const since = machineTime();
      let began = since;
      const one: Life = {
        engine: onEachCall(engine, () => (began = machineTime())),
        subject,
        chance,
        ack: (ack) => onAck(ack, began),
        look: (scope) => look(subject, scope),
      };
      try {
        if (chance.below(3) === 0) await holdAlone(one, holderTtl);
        else await live(one);
        if (chance.below(20) === 0) await purge?.(chance.below(2) === 0);
      } catch (error) {
        if (!causesOf(error).every((cause) => tolerates(cause, since))) throw error;
        // A short pause before the next call to a server that is down, so that the loop does not fill the processor.
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, lane) => lead(lane)));
}

/** One subject in one lane. */
interface Life {
  readonly engine: JitEngine;
  readonly subject: string;
  readonly chance: Seeded;
  readonly ack: (ack: readonly Ack[]) => void;
  readonly look: (scope: string) => Promise<void>;
}

/** The same engine, with a function that runs before each of its verbs. */
const onEachCall = (engine: JitEngine, call: () => void): JitEngine =>
  new Proxy(engine, {
    get(target, name) {
      const verb: unknown = Reflect.get(target, name, target);
      if (typeof verb !== 'function') return verb;
      return (...args: readonly unknown[]): unknown => {
        call();
        return Reflect.apply(verb, target, args);
      };
    },
  });

/** A verb resolved, and did not give the access. While clocks are set, it may have ended by then. */
export class NothingGranted extends Error {}

/** The failures of a call. A revokeAll that ended only a part names each of them. */
function causesOf(error: unknown): readonly unknown[] {
  return isJitError(error) && error.code === 'ERR_JIT_PARTIAL' ? error.failures.map((failure) => failure.error) : [error];
}

const SCOPES = ['db:read', 'db:write'];
/** One subject at a time may hold it. */
export const ALONE = 'billing:refund';
const BY = { by: 'user:root', reason: 'done' };
/** A lock that its process could not lift ends then, so that a long run never has too many. */
const LOCK_MS = 15 * 60_000;
const REVIEWER = { by: 'user:r1' };

/** From the request to the end, with what may happen in between. */
async function live({ engine, subject, chance, ack, look }: Life): Promise<void> {
  const issued = (result: AccessResult): readonly Grant[] => {
    if (result.outcome !== 'granted') throw new NothingGranted(`${subject} was granted nothing, but ${result.outcome}`);
    ack([['request.approved', result.request.id], ...result.grants.map(({ id }): Ack => ['grant.issued', id])]);
    return result.grants;
  };
  const scopes = SCOPES.slice(0, 1 + chance.below(SCOPES.length));
  const justification = chance.pick(['now', 'once', 'idle', 'review', 'pair', 'pair', 'glass']);
  let grants: readonly Grant[];
  if (justification === 'glass') {
    const result = await engine.breakGlass({ subject, scopes, ttl: '15m', justification });
    ack([['request.created', result.request.id], ...result.grants.map(({ id }): Ack => ['grant.issued', id])]);
    grants = result.grants;
    if (chance.below(2) === 0) {
      await engine.reviewBreakGlass(result.request.id, { ...REVIEWER, verdict: 'justified' });
      ack([['breakGlass.reviewed', result.request.id]]);
    }
  } else {
    const asked = await engine.requestAccess({ subject, scopes, ttl: '15m', justification });
    let { id } = asked.request;
    ack([['request.created', id]]);
    if (asked.outcome === 'pending') {
      if (chance.below(2) === 0) {
        const { comment } = await engine.comment(id, { by: subject, text: 'before noon' });
        ack([['request.commented', comment.id]]);
      }
      if (chance.below(3) === 0) {
        ({ id } = (await engine.amend(id, { by: subject, ttl: '12m' })).request);
        ack([
          ['request.created', id],
          ['request.cancelled', id],
        ]);
      }
      const verdict = chance.pick(['approve', 'approve', 'approve', 'deny', 'cancel', 'leave'] as const);
      if (verdict === 'deny') {
        await engine.deny(id, REVIEWER);
        ack([['request.denied', id]]);
      }
      if (verdict === 'cancel') {
        const { status } = await engine.cancel(id, { by: subject });
        ack([[`request.${status}`, id]]);
      }
      if (verdict !== 'approve') return;
      if (justification === 'pair') {
        await engine.approve(id, { by: 'user:r2', ttl: '10m', scopes: scopes.slice(0, 1) });
        ack([['request.reviewed', id]]);
      }
      grants = issued(await engine.approve(id, REVIEWER));
    } else grants = issued(asked);
  }
  const [grant] = grants;
  if (grant === undefined) throw new NothingGranted(`${subject} was granted nothing`);
  // The end of a grant whose time has passed need not be recorded.
  const ended = () => ack(grants.flatMap(({ id, expiresAt }): Ack[] => (engine.clock.now() < expiresAt ? [['grant.ended', id]] : [])));
  await look(grant.scope);
  if (grant.maxUses === 1) {
    await engine.consume(subject, grant.scope);
    ack([['grant.used', grant.id]]);
    return look(grant.scope);
  }
  switch (chance.pick(['extend', 'revoke', 'revoke', 'release', 'releaseAll', 'revokeAll', 'lock', 'sweep', 'leave'] as const)) {
    case 'extend': {
      const asked = await engine.extend(grant.id, { requestedBy: subject, ttl: '15m' });
      ack([['request.created', asked.request.id]]);
      issued(await engine.approve(asked.request.id, REVIEWER));
      ack([['grant.extended', grant.id]]);
      await look(grant.scope);
      // Extensions of a grant end with it (L12).
      const { status } = await engine.revoke(grant.id, BY);
      ack([[`grant.${status}`, grant.id]]);
      break;
    }
    case 'revoke': {
      const { status } = await engine.revoke(grant.id, BY);
      ack([[`grant.${status}`, grant.id]]);
      break;
    }
    case 'release': {
      const { status } = await engine.release(grant.id, { by: subject });
      ack([[`grant.${status}`, grant.id]]);
      break;
    }
    case 'releaseAll':
      await engine.release({ requestId: grant.requestId }, { by: subject });
      ended();
      break;
    case 'revokeAll':
      await engine.revokeAll({ subject }, BY);
      ended();
      break;
    case 'lock':
      await lockAndLift(engine, { subject }, grant, ack);
      ended();
      break;
    case 'sweep':
      await engine.sweep();
      break;
    case 'leave':
  }
  await look(grant.scope);
}

/** Ends the access of a grant by a lock, and lifts the lock. */
async function lockAndLift(engine: JitEngine, target: LockTarget, { subject, scope }: Grant, ack: Life['ack']): Promise<void> {
  const { lock } = await engine.lock(target, { ...BY, until: engine.clock.now() + LOCK_MS });
  ack([['lock.set', lock.id]]);
  if (await engine.isAllowed(subject, scope)) throw new Error(`${subject} may ${scope} under lock ${lock.id}`);
  const { status } = await engine.unlock(lock.id, BY);
  ack([[`lock.${status}`, lock.id]]);
}

/** Asks for access that one subject at a time may hold, and ends it after another life: all lanes of all processes ask for it. */
async function holdAlone(one: Life, ttl: Duration): Promise<void> {
  const { engine, subject, chance, ack, look } = one;
  try {
    const asked = await engine.requestAccess({ subject, scope: ALONE, ttl, justification: 'alone' });
    ack([['request.created', asked.request.id]]);
    // A lock may have cancelled it, and the time may have passed on a busy machine.
    if (asked.outcome === 'cancelled' || asked.outcome === 'ended') return;
    const [grant] = asked.outcome === 'granted' ? asked.grants : [];
    if (grant === undefined) throw new NothingGranted(`${subject} was not granted ${ALONE}, but ${asked.outcome}`);
    ack([['grant.issued', grant.id]]);
    await look(ALONE);
    // It holds the access for a while.
    await live(one);
    const end = chance.pick(['revoke', 'revoke', 'release', 'release', 'lock'] as const);
    if (end === 'lock') await lockAndLift(engine, { scope: ALONE }, grant, ack);
    else {
      const { status } = await (end === 'revoke' ? engine.revoke(grant.id, BY) : engine.release(grant.id, { by: subject }));
      ack([[`grant.${status}`, grant.id]]);
    }
    await look(ALONE);
  } catch (error) {
    if (!isJitError(error)) throw error;
    // Another lane holds it, or has locked it.
    const isHeld = error.code === 'ERR_JIT_LIMIT' && error.limit === 'maxHolders';
    if (!isHeld && error.code !== 'ERR_JIT_LOCKED') throw error;
    const { requestId } = error;
    if (requestId === undefined) return;
    ack([['request.created', requestId]]);
    try {
      const { status } = await engine.cancel(requestId, { by: subject });
      ack([[`request.${status}`, requestId]]);
    } catch (reason) {
      // The sweep of another process has asked again, and the access was free.
      if (!isJitError(reason) || reason.code !== 'ERR_JIT_DECIDED') throw reason;
    }
  }
}
