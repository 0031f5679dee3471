/** One call to be timed. Its result is discarded; a failure throws. */
export type Call = (i: number) => unknown;

const ROUNDS = 9;

/**
 * Times several calls alternately, so that other load on the machine affects all of them: the median round of each, after
 * one to warm up, in nanoseconds for each call.
 */
export async function inTurns<Name extends string>(calls: number, timed: Readonly<Record<Name, Call>>): Promise<Record<Name, number>> {
  const entries = Object.entries(timed) as [Name, Call][];
  const rounds = new Map<Name, number[]>(entries.map(([name]) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, call] of entries) {
      const started = process.hrtime.bigint();
      for (let i = 0; i < calls; i++) await call(round * calls + i);
      if (round > 0) rounds.get(name)?.push(Number(process.hrtime.bigint() - started) / calls);
    }
  }
  return Object.fromEntries([...rounds].map(([name, times]) => [name, median(times)])) as Record<Name, number>;
}

/** Milliseconds that a call takes. */
export async function msOf(call: () => unknown): Promise<number> {
  const started = process.hrtime.bigint();
  await call();
  return Number(process.hrtime.bigint() - started) / 1e6;
}

export function median(of: readonly number[]): number {
  return [...of].sort((a, b) => a - b)[of.length >> 1] ?? NaN;
}

/** How many calls a second end, with this many in flight at any time, for as long as `forMs` says or until `count` have been made. */
export async function perSecond(inFlight: number, forMs: number, count: number, call: Call): Promise<number> {
  const started = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count && performance.now() - started < forMs) await call(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return (next / (performance.now() - started)) * 1_000;
}
