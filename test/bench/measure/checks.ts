import { LIMIT, OURS, PEERS, type Contestant, type Ready } from './contestants.js';
import type { Ask, Loop } from './loop.js';
import { weighed } from './memory.js';
import { ownLoop } from './own-loop.js';
import { questions } from './world.js';

/** How long one round is to last, in nanoseconds. */
const ROUND_NS = 25_000_000;

/** Nanoseconds for a call, and how many times what the limit takes; medians. */
export interface Timing {
  readonly ns: number;
  readonly ratio: number;
  /** Half the span in which the middle half of the ratios lies, as a part of the median. */
  readonly noise: number;
}

export interface CheckTimes {
  readonly name: string;
  readonly time: string;
  /** Beside the limit, called. */
  readonly call?: Timing | undefined;
  /** Beside the limit in an async function, both awaited. */
  readonly awaited?: Timing | undefined;
  readonly decided?: Timing | undefined;
  readonly bytes: number;
  /** Why it was not asked. */
  readonly leftOut?: string | undefined;
}

/** All contestants with this many grants, one after the other, each alternating with the baseline. */
export async function timeChecks(grants: number, rounds: number): Promise<readonly CheckTimes[]> {
  const { made: limit, bytes } = await weighed(() => LIMIT.fill(grants));
  const asked = questions(grants);
  const run = (loop: Loop, calls: number) => loop(calls, asked.subjects, asked.scopes);

  const timed = async (mine: Loop | undefined, its: Loop): Promise<Timing | undefined> => {
    if (mine === undefined) return undefined;
    const calls = await callsFor(mine, run);
    const limitCalls = await callsFor(its, run);
    const times: number[] = [];
    const ratios: number[] = [];
    // Alternately, so that other load on the machine affects both. The first rounds are for the compiler.
    for (let round = -3; round < rounds; round++) {
      const before = await run(its, limitCalls);
      const time = await run(mine, calls);
      const after = await run(its, limitCalls);
      if (round < 0) continue;
      times.push(time);
      ratios.push(time / ((before + after) / 2));
    }
    return {
      ns: quantile(times, 0.5),
      ratio: quantile(ratios, 0.5),
      noise: (quantile(ratios, 0.75) - quantile(ratios, 0.25)) / 2 / quantile(ratios, 0.5),
    };
  };

  const all: CheckTimes[] = [];
  for (const { name, time, most, fill } of [LIMIT, OURS, ...PEERS] as readonly Contestant[]) {
    if (most !== undefined && grants > most[0]) {
      all.push({ name, time, bytes: NaN, leftOut: most[1] });
      continue;
    }
    const { made, bytes: its } = name === LIMIT.name ? { made: limit, bytes } : await weighed(() => fill(grants));
    const loops = await loopsOf(made);
    const limits = await loopsOf(limit);
    all.push({
      name,
      time,
      call: await timed(loops.call, limits.call as Loop),
      awaited: await timed(loops.awaited, limits.awaited as Loop),
      decided: await timed(loops.decided, limits.awaited as Loop),
      bytes: its / grants,
    });
  }
  return all;
}

async function loopsOf({ call, awaited, decided }: Ready) {
  const loop = async (kind: 'awaiting' | 'calling', ask: Ask | undefined) => (ask === undefined ? undefined : (await ownLoop())[kind](ask));
  return { call: await loop('calling', call), awaited: await loop('awaiting', awaited), decided: await loop('awaiting', decided) };
}

async function callsFor(loop: Loop, run: (loop: Loop, calls: number) => Promise<number>): Promise<number> {
  let calls = 1;
  for (let ns = 0; ns < ROUND_NS / 4;) {
    ns = (await run(loop, calls)) * calls;
    if (ns < ROUND_NS / 4) calls *= 4;
  }
  return calls * 2;
}

/** Of a sorted copy. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * part)] as number;
}
