import { LIMIT, LIMIT_DECISION, OWN, type Contestant, type Ready } from './contestants.js';
import { quantile } from './figure.js';
import type { Ask, Loop } from './loop.js';
import { weighed } from './memory.js';
import { ownLoop } from './own-loop.js';
import { ASKED, KINDS, questions, type Kind, type Questions } from './world.js';

// Beside their packages, which only a bench needs. The types of this folder hold without them.
const peers = new URL('../../../.ci/bench/peers.ts', import.meta.url).href;
const { PEERS } = (await import(peers)) as { readonly PEERS: readonly Contestant[] };

export const CONTESTANTS: readonly Contestant[] = [LIMIT, LIMIT_DECISION, ...OWN, ...PEERS];

export type Way = 'called' | 'awaited';
export type Answer = 'yes or no' | 'decision';

/** What is timed: a contestant's answers of one form to questions of one kind, over LIMIT's yes or no. */
export interface Timed {
  readonly way: Way;
  readonly answer: Answer;
  readonly kind: Kind;
}

/** In the order of the tables. */
export const TIMED: readonly Timed[] = (['awaited', 'called'] as const).flatMap((way) => [
  ...KINDS.map((kind) => ({ way, answer: 'yes or no', kind }) as const),
  { way, answer: 'decision', kind: 'held' },
]);
/** The name of a figure: of the contestant with this many grants. */
export const checkName = (grants: number, { name }: Contestant, { way, answer, kind }: Timed): string =>
  `check/${grants}/${name}/${way}/${answer}/${kind}`;
export const bytesName = (grants: number, { name }: Contestant): string => `bytes/${grants}/${name}`;

/** How long one round lasts at least. Nanoseconds. */
const ROUND_NS = 25_000_000;
/** Rounds for the compiler. */
const WARMING = 2;
/** A contestant that is slower gets only some of the questions in each round. Nanoseconds a call. */
const SLOW_NS = 5_000;
/**
 * A contestant that is slower at its first look is not asked all questions before it is timed. Nanoseconds a call. Among a million
 * grants, the first check that decodes a record takes up to half of this.
 */
const SLOW_FIRST_NS = 100_000;

type Loops = ReadonlyMap<string, Loop>;
const loopName = (way: Way, answer: Answer): string => `${way}, ${answer}`;

/** All contestants with this many grants, one after the other: ratios, and bytes for each grant. */
export async function timeChecks(grants: number, rounds: number): Promise<Record<string, number>> {
  const limit = await weighed(() => LIMIT.fill(grants));
  const asked = questionsOf(grants);
  const found: Record<string, number> = {};
  for (const contestant of CONTESTANTS) {
    const { most, spell } = contestant;
    if (most !== undefined && grants > most[0]) continue;
    const { made, bytes } = contestant === LIMIT ? limit : await weighed(() => contestant.fill(grants));
    const own = { loops: await loopsOf(made), asked: spell === undefined ? asked : questionsOf(grants, spell) };
    // LIMIT gets loops of its own for each contestant.
    const limits = { loops: await loopsOf(limit.made), asked };
    const figures = TIMED.filter((timed) => isTimed(contestant, timed));
    const ratios = await ratiosOf(own, limits, figures, rounds);
    for (const [timed, ratio] of ratios) found[checkName(grants, contestant, timed)] = ratio;
    found[bytesName(grants, contestant)] = bytes / grants;
  }
  return found;
}

const questionsOf = (grants: number, spell?: (name: string) => string): Asked =>
  new Map(KINDS.map((kind) => [kind, questions(kind, grants, spell)]));

/** A yes shows what a peer costs. accesscontrol even answers questions about unknown subjects with an error. */
const isTimed = ({ isOwn }: Contestant, { kind }: Timed): boolean => isOwn === true || kind === 'held';

type Asked = ReadonlyMap<Kind, Questions>;
interface Sides {
  readonly loops: Loops;
  readonly asked: Asked;
}

async function ratiosOf(own: Sides, limits: Sides, figures: readonly Timed[], rounds: number): Promise<ReadonlyMap<Timed, number>> {
  const kinds = new Set(figures.map(({ kind }) => kind));
  for (const { loops, asked } of [own, limits]) {
    for (const loop of loops.values()) for (const kind of kinds) await warm(loop, asked.get(kind) as Questions);
  }
  const ratios = new Map<Timed, number>();
  for (const timed of figures) {
    const { way, answer, kind } = timed;
    const loop = own.loops.get(loopName(way, answer));
    const limit = limits.loops.get(loopName(way, 'yes or no'));
    if (loop === undefined || limit === undefined) continue;
    const [ownAsked, limitAsked] = [own.asked.get(kind), limits.asked.get(kind)] as [Questions, Questions];
    ratios.set(timed, await ratioOf({ loop, asked: ownAsked }, { loop: limit, asked: limitAsked }, rounds));
  }
  return ratios;
}

/** The compiler has seen every kind of answer before it is timed, and a contestant has kept what it keeps at the first look. */
async function warm(loop: Loop, asked: Questions): Promise<void> {
  const calls = await callsFor(loop, asked);
  if (calls < ASKED && (await loop(calls, asked)) < SLOW_FIRST_NS) await loop(ASKED, asked);
}

interface Side {
  readonly loop: Loop;
  readonly asked: Questions;
}

/** Alternates with the baseline, so that other load on the machine affects both. @returns the median of the rounds */
async function ratioOf(own: Side, limit: Side, rounds: number): Promise<number> {
  const calls = await callsFor(own.loop, own.asked);
  const limitCalls = await callsFor(limit.loop, limit.asked);
  const ratios: number[] = [];
  let before = await limit.loop(limitCalls, limit.asked);
  for (let round = -WARMING; round < rounds; round++) {
    const ns = await own.loop(calls, own.asked);
    const after = await limit.loop(limitCalls, limit.asked);
    if (round >= 0) ratios.push(ns / ((before + after) / 2));
    before = after;
  }
  return quantile(ratios, 0.5);
}

/** Calls that last a round, and cover all questions unless the contestant is slow. */
async function callsFor(loop: Loop, asked: Questions): Promise<number> {
  let calls = 1;
  let ns = await fastest(loop, calls, asked);
  for (; ns * calls < ROUND_NS / 4; ns = await fastest(loop, calls, asked)) calls *= 4;
  return Math.max(Math.ceil(ROUND_NS / ns), ns < SLOW_NS ? ASKED : 1);
}

/** Of three, because one may include a garbage collection, which takes as long as thousands of calls. */
async function fastest(loop: Loop, calls: number, asked: Questions): Promise<number> {
  return Math.min(await loop(calls, asked), await loop(calls, asked), await loop(calls, asked));
}

async function loopsOf({ called, calledDecision, awaited, awaitedDecision }: Ready): Promise<Loops> {
  const loops = new Map<string, Loop>();
  const add = async (way: Way, answer: Answer, ask: Ask | undefined) => {
    if (ask === undefined) return;
    const { awaiting, calling, isAllowed, isTrue } = await ownLoop();
    loops.set(loopName(way, answer), (way === 'called' ? calling : awaiting)(ask, answer === 'decision' ? isAllowed : isTrue));
  };
  await add('called', 'yes or no', called);
  await add('called', 'decision', calledDecision);
  await add('awaited', 'yes or no', awaited ?? (called && (await ownLoop()).inAsync(called)));
  await add('awaited', 'decision', awaitedDecision);
  return loops;
}
