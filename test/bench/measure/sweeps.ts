import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import canonicalize from 'canonicalize';
import { autoApprove, JitEngine, MemoryGrantStore, type Clock } from 'jit-access';
import type { Change } from 'jit-access/store';
import { cpuTime } from './cpu-time.js';
import { putLive } from './live-store.js';
import { DAY, liveGrants, type LiveGrant } from './world.js';

const HOUR = 3_600_000;
const DUE = 100;

export interface SweepTimes {
  /** Milliseconds, one for each round. */
  readonly sweeps: readonly number[];
  /** Committing the same hundred, prepared in advance, each right after its sweep. Milliseconds. */
  readonly commits: readonly number[];
}

/** Grants of one subject each that end together at each hour, {@link DUE} of them. */
function* ending(rounds: number, start: number): Generator<LiveGrant> {
  for (let i = 0; i < rounds * DUE; i++) {
    yield { subject: `user:due-${i}`, scope: 'db-0:write', expiresAt: start + (1 + Math.floor(i / DUE)) * HOUR };
  }
}

/**
 * Sweeps {@link DUE} grants that have ended, repeatedly, among `grants` that have not. The baseline of each sweep is its
 * commit alone: the same rows and entries, without the search for them, into an otherwise empty namespace. The baseline
 * makes the digests of the entries too.
 */
export async function timeSweeps(grants: number, rounds: number): Promise<SweepTimes> {
  let offset = 0;
  const clock: Clock = { now: () => Date.now() + offset };
  const start = Date.now();
  const store = new MemoryGrantStore();
  const bare = store.in('bare');
  const due = [...ending(rounds, start)];
  await putLive(store, far(grants));
  await putLive(store, due);

  let change: Change | undefined;
  const commit = store.commit.bind(store);
  store.commit = (given) => commit((change = given));
  const engine = new JitEngine({ approver: autoApprove(() => true), store, clock });
  const sweeps: number[] = [];
  const commits: number[] = [];
  for (let round = 0; round < rounds; round++) {
    offset += HOUR;
    // The prepared rows are in the store like the others.
    const { items } = await store.due({ at: clock.now(), limit: 2 * DUE });
    await bare.commit({ id: `known-${round}`, expect: [], put: items, append: [] });
    sweeps.push(
      await msOf(async () => {
        const { ended } = await engine.sweep();
        if (ended !== DUE) throw new Error(`the sweep ended ${ended} grants, not ${DUE}`);
      }),
    );
    const { expect, put, append } = change as Change;
    if (put.length !== DUE) throw new Error('the sweep took more than one commit');
    commits.push(
      await msOf(async () => {
        const digested = append.map(({ digest: _, ...entry }) => ({
          ...entry,
          digest: bytesToHex(sha256(utf8.encode(canonicalize(entry)))),
        }));
        const { outcome } = await bare.commit({ id: `commit-${round}`, expect, put, append: digested });
        if (outcome !== 'committed') throw new Error('what the sweep committed was not taken');
      }),
    );
  }
  await engine.close();
  return { sweeps, commits };
}

const utf8 = new TextEncoder();

function* far(grants: number): Generator<LiveGrant> {
  const expiresAt = Date.now() + 20 * DAY;
  for (const grant of liveGrants(grants)) yield { ...grant, expiresAt };
}

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const msSince = cpuTime();
  await work();
  return msSince();
}
