import { median } from './rounds.js';

/** How fast calls were, and what each took. */
export interface Rate {
  readonly perSecond: number;
  /** CPU time of the server for each call, in microseconds. NaN: it cannot be read. */
  readonly serverUs: number;
  /** CPU time of the bench for each call, in microseconds. */
  readonly benchUs: number;
}

export interface RateOptions {
  readonly inFlight: number;
  readonly forMs: number;
  /** Ends before, after so many calls. */
  readonly most: number;
  readonly cpuMs: () => Promise<number | undefined>;
}

/** Calls with this many in flight, each in a lane of its own: a lane makes its next call when the last one has ended. */
export async function rateOf(options: RateOptions, call: (lane: number, i: number) => Promise<unknown>): Promise<Rate> {
  const { inFlight, forMs, most, cpuMs } = options;
  const server = (await cpuMs()) ?? NaN;
  const own = process.cpuUsage();
  const started = performance.now();
  let next = 0;
  const lane = async (n: number) => {
    while (next < most && performance.now() - started < forMs) await call(n, next++);
  };
  await Promise.all(Array.from({ length: inFlight }, (_, n) => lane(n)));
  const perSecond = (next / (performance.now() - started)) * 1_000;
  const { user, system } = process.cpuUsage(own);
  const spent = ((await cpuMs()) ?? NaN) - server;
  return { perSecond, serverUs: (1_000 * spent) / next, benchUs: (user + system) / next };
}

/** The median of each figure. */
export const medianOf = (rates: readonly Rate[]): Rate => ({
  perSecond: median(rates.map(({ perSecond }) => perSecond)),
  serverUs: median(rates.map(({ serverUs }) => serverUs)),
  benchUs: median(rates.map(({ benchUs }) => benchUs)),
});

/** Rounds of all ways alternate, so that other load on the machine affects all of them. The first round warms up. */
export async function alternate<Way extends string>(
  rounds: number,
  ways: Readonly<Record<Way, () => Promise<Rate>>>,
): Promise<Record<Way, readonly Rate[]>> {
  const found = new Map<Way, Rate[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const [way, run] of Object.entries(ways) as [Way, () => Promise<Rate>][]) {
      const rate = await run();
      if (process.env['JIT_BENCH_VERBOSE']) console.error(round, way, JSON.stringify(rate));
      if (round > 0) found.set(way, [...(found.get(way) ?? []), rate]);
    }
  }
  return Object.fromEntries(found) as unknown as Record<Way, readonly Rate[]>;
}
