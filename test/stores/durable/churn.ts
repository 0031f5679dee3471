import { isJitError, type AccessResult, type AnyJitError, type Duration, type Grant, type JitEngine, type LockTarget } from 'jit-access';
import { Seeded } from './seeded.js';

/**
 * A transition that was acknowledged, with the entry that the journal must contain from then on. The id is that of the request, the
 * grant, the comment or the lock. A request that an amendment cancelled has the id of the new request.
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
  /** Failures after which a lane starts its next life. Any other failure is thrown. Default: none. */
  readonly tolerates?: ((error: AnyJitError) => boolean) | undefined;
  /** How long access under `maxHolders` lasts. Default: 15 minutes. */
  readonly holderTtl?: Duration | undefined;
  readonly onAck: (ack: readonly Ack[]) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Runs seeded random lives, several at a time, and reports each transition once it is acknowledged: not a moment earlier. */
export async function churn(engine: JitEngine, options: ChurnOptions): Promise<void> {
  const { seed, lanes, lives = Infinity, tolerates = () => false, holderTtl = '15m', name, onAck, signal } = options;
  const lead = async (lane: number): Promise<void> => {
    for (let life = 0; life < lives && signal?.aborted !== true; life++) {
      // Of its own: other lanes may shorten a life, and change none of the others.
      const chance = new Seeded(seed, lane, life);
      const subject = `user:${name}-${lane}-${life}`;
      try {
        if (chance.below(3) === 0) await holdAlone(engine, subject, holderTtl, chance, onAck);
        else await live(engine, subject, chance, onAck);
      } catch (error) {
        if (!causesOf(error).every((cause) => isJitError(cause) && tolerates(cause))) throw error;
        // A short pause before the next call to a server that is down, so that the loop does not fill the processor.
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, lane) => lead(lane)));
}

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
async function live(engine: JitEngine, subject: string, chance: Seeded, onAck: ChurnOptions['onAck']): Promise<void> {
  const issued = (result: AccessResult): readonly Grant[] => {
    const grants = result.outcome === 'granted' ? result.grants : [];
    onAck([['request.approved', result.request.id], ...grants.map(({ id }): Ack => ['grant.issued', id])]);
    return grants;
  };
  const scopes = SCOPES.slice(0, 1 + chance.below(SCOPES.length));
  const justification = chance.pick(['now', 'once', 'review', 'pair', 'pair', 'glass']);
  let grants: readonly Grant[];
  if (justification === 'glass') {
    const result = await engine.breakGlass({ subject, scopes, ttl: '15m', justification });
    onAck([['request.created', result.request.id], ...result.grants.map(({ id }): Ack => ['grant.issued', id])]);
    grants = result.grants;
    if (chance.below(2) === 0) {
      await engine.reviewBreakGlass(result.request.id, { ...REVIEWER, verdict: 'justified' });
      onAck([['breakGlass.reviewed', result.request.id]]);
    }
  } else {
    const asked = await engine.requestAccess({ subject, scopes, ttl: '15m', justification });
    let { id } = asked.request;
    onAck([['request.created', id]]);
    if (asked.outcome === 'pending') {
      if (chance.below(2) === 0) {
        const { comment } = await engine.comment(id, { by: subject, text: 'before noon' });
        onAck([['request.commented', comment.id]]);
      }
      if (chance.below(3) === 0) {
        ({ id } = (await engine.amend(id, { by: subject, ttl: '12m' })).request);
        onAck([
          ['request.created', id],
          ['request.cancelled', id],
        ]);
      }
      const verdict = chance.pick(['approve', 'approve', 'approve', 'deny', 'cancel', 'leave'] as const);
      if (verdict === 'deny') {
        await engine.deny(id, REVIEWER);
        onAck([['request.denied', id]]);
      }
      if (verdict === 'cancel') {
        await engine.cancel(id, { by: subject });
        onAck([['request.cancelled', id]]);
      }
      if (verdict !== 'approve') return;
      if (justification === 'pair') {
        await engine.approve(id, { by: 'user:r2', ttl: '10m', scopes: scopes.slice(0, 1) });
        onAck([['request.reviewed', id]]);
      }
      grants = issued(await engine.approve(id, REVIEWER));
    } else grants = issued(asked);
  }
  const [grant] = grants;
  if (grant === undefined) throw new Error(`${subject} was granted nothing`);
  if (grant.maxUses === 1) {
    await engine.consume(subject, grant.scope);
    onAck([['grant.used', grant.id]]);
    return;
  }
  switch (chance.pick(['extend', 'revoke', 'revoke', 'release', 'revokeAll', 'lock', 'sweep', 'leave'] as const)) {
    case 'extend': {
      const asked = await engine.extend(grant.id, { requestedBy: subject, ttl: '15m' });
      onAck([['request.created', asked.request.id]]);
      issued(await engine.approve(asked.request.id, REVIEWER));
      onAck([['grant.extended', grant.id]]);
      // Extensions of a grant end with it (L12).
      await engine.revoke(grant.id, BY);
      onAck([['grant.revoked', grant.id]]);
      return;
    }
    case 'revoke':
      await engine.revoke(grant.id, BY);
      onAck([['grant.revoked', grant.id]]);
      return;
    case 'release':
      await engine.release(grant.id, { by: subject });
      onAck([['grant.revoked', grant.id]]);
      return;
    case 'revokeAll':
      await engine.revokeAll({ subject }, BY);
      onAck(grants.map(({ id }): Ack => ['grant.revoked', id]));
      return;
    case 'lock':
      await lockAndLift(engine, { subject }, grant, onAck);
      onAck(grants.map(({ id }): Ack => ['grant.revoked', id]));
      return;
    case 'sweep':
      await engine.sweep();
      return;
    case 'leave':
  }
}

/** Ends the access of a grant by a lock, and lifts the lock. */
async function lockAndLift(
  engine: JitEngine,
  target: LockTarget,
  { subject, scope, startsAt }: Grant,
  onAck: ChurnOptions['onAck'],
): Promise<void> {
  const { lock } = await engine.lock(target, { ...BY, until: startsAt + LOCK_MS });
  onAck([['lock.set', lock.id]]);
  if (await engine.isAllowed(subject, scope)) throw new Error(`${subject} may ${scope} under lock ${lock.id}`);
  const { status } = await engine.unlock(lock.id, BY);
  onAck([[`lock.${status}`, lock.id]]);
}

/** Asks for access that one subject at a time may hold, and ends it after another life: all lanes of all processes ask for it. */
async function holdAlone(engine: JitEngine, subject: string, ttl: Duration, chance: Seeded, onAck: ChurnOptions['onAck']): Promise<void> {
  try {
    const asked = await engine.requestAccess({ subject, scope: ALONE, ttl, justification: 'alone' });
    onAck([['request.created', asked.request.id]]);
    // A lock may have cancelled it, and the time may have passed on a busy machine.
    if (asked.outcome === 'cancelled' || asked.outcome === 'ended') return;
    const [grant] = asked.outcome === 'granted' ? asked.grants : [];
    if (grant === undefined) throw new Error(`${subject} was not granted ${ALONE}`);
    onAck([['grant.issued', grant.id]]);
    // It holds the access for a while.
    await live(engine, subject, chance, onAck);
    const end = chance.pick(['revoke', 'revoke', 'release', 'release', 'lock'] as const);
    if (end === 'lock') return await lockAndLift(engine, { scope: ALONE }, grant, onAck);
    const { status } = await (end === 'revoke' ? engine.revoke(grant.id, BY) : engine.release(grant.id, { by: subject }));
    onAck([[`grant.${status}`, grant.id]]);
  } catch (error) {
    if (!isJitError(error)) throw error;
    // Another lane holds it, or has locked it.
    const isHeld = error.code === 'ERR_JIT_LIMIT' && error.limit === 'maxHolders';
    if (!isHeld && error.code !== 'ERR_JIT_LOCKED') throw error;
    const { requestId } = error;
    if (requestId === undefined) return;
    onAck([['request.created', requestId]]);
    try {
      await engine.cancel(requestId, { by: subject });
      onAck([['request.cancelled', requestId]]);
    } catch (reason) {
      // The sweep of another process has asked again, and the access was free.
      if (!isJitError(reason) || reason.code !== 'ERR_JIT_DECIDED') throw reason;
    }
  }
}
