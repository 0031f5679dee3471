import { isJitError, type AccessResult, type AnyJitError, type Grant, type JitEngine } from 'jit-access';
import { Seeded } from './seeded.js';

/** A transition that was acknowledged, with the entry that the journal must contain from then on. */
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
  readonly onAck: (ack: readonly Ack[]) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Runs seeded random lives, several at a time, and reports each transition once it is acknowledged: not a moment earlier. */
export async function churn(engine: JitEngine, options: ChurnOptions): Promise<void> {
  const { seed, lanes, lives = Infinity, tolerates = () => false, name, onAck, signal } = options;
  const lead = async (lane: number): Promise<void> => {
    const chance = new Seeded(seed, lane);
    for (let life = 0; life < lives && signal?.aborted !== true; life++) {
      try {
        await live(engine, `user:${name}-${lane}-${life}`, chance, onAck);
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

const SCOPES = ['db:read', 'db:write', 'billing:refund'];
const BY = { by: 'user:root', reason: 'done' };
const REVIEWER = { by: 'user:r1' };

/** From the request to the end, with what may happen in between. */
async function live(engine: JitEngine, subject: string, chance: Seeded, onAck: ChurnOptions['onAck']): Promise<void> {
  const issued = (result: AccessResult): readonly Grant[] => {
    const grants = result.outcome === 'granted' ? result.grants : [];
    onAck([['request.approved', result.request.id], ...grants.map(({ id }): Ack => ['grant.issued', id])]);
    return grants;
  };
  const scopes = SCOPES.slice(0, 1 + chance.below(2));
  const justification = chance.pick(['now', 'once', 'review', 'review', 'glass']);
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
    const { id } = asked.request;
    onAck([['request.created', id]]);
    if (asked.outcome === 'pending') {
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
  switch (chance.pick(['extend', 'revoke', 'revoke', 'release', 'revokeAll', 'sweep', 'leave'] as const)) {
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
    case 'sweep':
      await engine.sweep();
      return;
    case 'leave':
  }
}
