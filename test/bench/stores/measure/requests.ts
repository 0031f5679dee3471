import { autoApprove, JitEngine, reviewers, type Approver, type GrantStore } from 'jit-access';
import type { Change } from 'jit-access/store';
import { figureOf, type Figure } from '../../measure/figure.js';
import { asked, commitAlone, grantedRequests } from './grants.js';
import { alternate, rateOf, type Rate } from './rates.js';

/** How access is granted, or what it is compared with. Each call leaves a request, its grant, its subject and their entries. */
export const WAYS = ['bare driver', 'commit', 'with a hook', 'auto-approved', 'after a review'] as const;
export type Way = (typeof WAYS)[number];

/** Writes the rows and entries of changes, durably and without any of the store's checks. */
export type Write = (changes: readonly Change[]) => Promise<unknown>;

export interface Asked {
  readonly store: GrantStore;
  /** `undefined`: there is no driver. */
  readonly write: Write | undefined;
  /** A store over the same connection, whose `onCommit` inserts a row. `undefined`: it has no such option. */
  readonly hooked?: GrantStore | undefined;
}

const FOR_MS = 1_000 * Number(process.env['JIT_BENCH_SECONDS'] ?? 0.8);
const ROUNDS = Number(process.env['JIT_BENCH_ROUNDS'] ?? 3);
/** More than any store takes in that time. */
const MOST = Math.ceil(20 * FOR_MS);
const REVIEWER = 'user:sam';

let names = 0;

/** Rates of all ways with this many calls in flight, in namespaces of their own: calls a second, and CPU microseconds of this process. */
export async function requestRates({ store, write, hooked }: Asked, inFlight: number): Promise<Readonly<Partial<Record<Way, Figures>>>> {
  const own = (way: string) => store.in(`${way}-${++names}`);
  const engineOn = (way: string, approver: Approver) => new JitEngine({ store: own(way), approver });
  const auto = engineOn(
    'auto',
    autoApprove(() => true, { pure: true }),
  );
  const reviewed = engineOn('reviewed', reviewers({ members: [REVIEWER] }));
  const commits = own('commits');
  const rate = (call: (i: number) => Promise<unknown>) =>
    rateOf({ inFlight, forMs: FOR_MS, most: MOST, cpuMs: () => Promise.resolve(undefined) }, (_, i) => call(i));
  const changes = () => grantedRequests(MOST, `run-${++names}`);
  const ways: Partial<Record<Way, () => Promise<Rate>>> = {
    ...(write && {
      'bare driver': async () => {
        const [ready, writeOne] = [await changes(), together(write)];
        return rate((i) => writeOne(ready[i] as Change));
      },
    }),
    commit: async () => {
      const ready = await changes();
      return rate((i) => commitAlone(commits, ready[i]));
    },
    ...(hooked && {
      'with a hook': async () => {
        const [ready, own] = [await changes(), hooked.in(`hooked-${++names}`)];
        return rate((i) => commitAlone(own, ready[i]));
      },
    }),
    'auto-approved': () => {
      const run = ++names;
      return rate(async (i) => {
        if ((await auto.requestAccess(asked(`user:${run}-${i}`))).outcome !== 'granted') throw new Error('nothing was granted');
      });
    },
    'after a review': () => {
      const run = ++names;
      return rate(async (i) => {
        const { request } = await reviewed.requestAccess(asked(`user:${run}-${i}`));
        await reviewed.approve(request.id, { by: REVIEWER });
      });
    },
  };
  const found = await alternate(ROUNDS, ways as Record<Way, () => Promise<Rate>>);
  await auto.close();
  await reviewed.close();
  return Object.fromEntries(
    Object.entries(found).map(([way, rates]) => [
      way,
      { perSecond: figureOf(rates.map(({ perSecond }) => perSecond)), us: figureOf(rates.map(({ benchUs }) => benchUs)) },
    ]),
  );
}

export interface Figures {
  readonly perSecond: Figure;
  readonly us: Figure;
}

/** Changes that wait share the next write, as those of a store share a transaction. */
function together(write: Write): (change: Change) => Promise<unknown> {
  let waiting: Change[] = [];
  let next: Promise<unknown> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  return (change) => {
    waiting.push(change);
    next ??= last.then(() => {
      const batch = waiting;
      [waiting, next] = [[], undefined];
      return (last = write(batch));
    });
    return next;
  };
}
