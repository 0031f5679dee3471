import { randomBytes } from 'node:crypto';
import { autoApprove, JitEngine, MemoryGrantStore, type Clock } from 'jit-access';
import type { Row } from 'jit-access/store';
import type { LiveGrant } from './world.js';

const AT_ONCE = 1_000;
/** A view keeps the rows of a grant that begins after it was loaded. */
const AGO_MS = 60_000;

/** The row of a grant as this version writes it, taken from an engine that has just issued one, so that nothing here knows its form. */
async function rowOf({ subject, scope, expiresAt }: LiveGrant, now: number): Promise<Row> {
  const store = new MemoryGrantStore();
  const clock: Clock = { now: () => now };
  const engine = new JitEngine({ approver: autoApprove(() => true), store, clock, limits: { maxTtl: '31d', maxTotal: '31d' } });
  await engine.requestAccess({ subject, scope, ttl: expiresAt - now });
  const [row] = store.live({ subject, scope, at: now });
  if (row === undefined) throw new Error('no grant was issued');
  return row;
}

/** The rows of grants that were issued long ago. */
export async function* rowsLike(grants: Iterable<LiveGrant>): AsyncGenerator<Row, void, undefined> {
  let like: Row | undefined;
  for (const grant of grants) {
    const { subject, scope, expiresAt } = grant;
    if (like?.until !== expiresAt) like = await rowOf(grant, Date.now() - AGO_MS);
    // Of the length that the engine's own ids have, and in one piece like them.
    const requestId = randomBytes(16).toString('hex');
    yield { ...like, id: `${requestId}.1`, subject, scope, body: { ...like.body, requestId } };
  }
}

/** Puts grants into a store: their rows, without their requests and their journal. */
export async function putLive(store: MemoryGrantStore, grants: Iterable<LiveGrant>): Promise<void> {
  let batch: Row[] = [];
  let n = 0;
  const flush = async () => {
    const expect = batch.map(({ kind, id }) => ({ kind, id, version: 0 }));
    const { outcome } = await store.commit({ id: `fill-${n}`, expect, put: batch, append: [] });
    if (outcome !== 'committed') throw new Error('the rows were not taken');
    batch = [];
  };
  for await (const row of rowsLike(grants)) {
    n += 1;
    batch.push(row);
    if (batch.length === AT_ONCE) await flush();
  }
  await flush();
}

export async function liveStore(grants: Iterable<LiveGrant>): Promise<MemoryGrantStore> {
  const store = new MemoryGrantStore();
  await putLive(store, grants);
  return store;
}
