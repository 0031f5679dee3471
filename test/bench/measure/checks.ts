import { LIMIT, LIMIT_DECISION, OWN, type Contestant, type Ready } from './contestants.js';
import { quantile } from './figure.js';
import type { Ask, Loop } from './loop.js';
import { weighed } from './memory.js';
import { ownLoop } from './own-loop.js';
import { PEERS } from './peers.js';
import { ASKED, KINDS, questions, type Kind, type Questions } from './world.js';

export const CONTESTANTS: readonly Contestant[] = [LIMIT, LIMIT_DECISION, ...OWN, ...PEERS];

const WAYS = ['called', 'awaited'] as const;
const ANSWERS = ['yes or no', 'decision'] as const;
export type Way = (typeof WAYS)[number];
export type Answer = (typeof ANSWERS)[number];

/** What is timed: a contestant's answers of one form to questions of one kind, over the baseline's answers of that or another form. */
export interface Timed {
  readonly way: Way;
  readonly answer: Answer;
  readonly kind: Kind;
  readonly over: Answer;
}

/** Every figure of a contestant that has all ways of answering. */
export const TIMED: readonly Timed[] = WAYS.flatMap((way) =>
  ANSWERS.flatMap((answer) =>
    ANSWERS.filter((over) => over === 'yes or no' || answer === 'decision').flatMap((over) =>
      KINDS.map((kind) => ({ way, answer, kind, over })),
    ),
  ),
);
export const timedName = ({ way, answer, kind, over }: Timed): string => `${way}, ${answer}, ${kind}, over ${over}`;

/** The figures of one contestant in one run. */
export interface CheckRun {
  readonly name: string;
  /** By {@link timedName}. */
  readonly ratios: Readonly<Record<string, number>>;
  /** For each grant. */
  readonly bytes: number;
}

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

/** All contestants with this many grants, one after the other. */
export async function timeChecks(grants: number, rounds: number): Promise<readonly CheckRun[]> {
  const limit = await weighed(() => LIMIT.fill(grants));
  const limitDecision = await weighed(() => LIMIT_DECISION.fill(grants));
  const known = new Map([
    [LIMIT, limit],
    [LIMIT_DECISION, limitDecision],
  ]);
  const asked = questionsOf(grants);
  const runs: CheckRun[] = [];
  for (const contestant of CONTESTANTS) {
    const { name, most, spell } = contestant;
    if (most !== undefined && grants > most[0]) continue;
    const { made, bytes } = known.get(contestant) ?? (await weighed(() => contestant.fill(grants)));
    const figures = TIMED.filter((figure) => isTimed(contestant, figure));
    // The baseline gets loops of its own for each contestant.
    const limits = { loops: await loopsOf({ ...limit.made, ...limitDecision.made }), asked };
    const own = { loops: await loopsOf(made), asked: spell === undefined ? asked : questionsOf(grants, spell) };
    const ratios = await ratiosOf(own, limits, figures, rounds);
    runs.push({ name, ratios, bytes: bytes / grants });
  }
  return runs;
}

const questionsOf = (grants: number, spell?: (name: string) => string): Asked =>
  new Map(KINDS.map((kind) => [kind, questions(kind, grants, spell)]));

/** Questions about unknown subjects go to the contestants of this package only: accesscontrol answers them with an error. */
function isTimed(contestant: Contestant, { kind, answer, over }: Timed): boolean {
  if (kind === 'unknown' && contestant.isOwn !== true) return false;
  return !(contestant === LIMIT_DECISION && answer === over);
}

type Asked = ReadonlyMap<Kind, Questions>;
interface Sides {
  readonly loops: Loops;
  readonly asked: Asked;
}

async function ratiosOf(own: Sides, limits: Sides, figures: readonly Timed[], rounds: number): Promise<Readonly<Record<string, number>>> {
  const kinds = new Set(figures.map(({ kind }) => kind));
  for (const { loops, asked } of [own, limits]) {
    for (const loop of loops.values()) for (const kind of kinds) await warm(loop, asked.get(kind) as Questions);
  }
  const ratios: Record<string, number> = {};
  for (const timed of figures) {
    const { way, answer, kind, over } = timed;
    const loop = own.loops.get(loopName(way, answer));
    const limit = limits.loops.get(loopName(way, over));
    if (loop === undefined || limit === undefined) continue;
    ratios[timedName(timed)] = await ratioOf(
      { loop, asked: own.asked.get(kind) as Questions },
      { loop: limit, asked: limits.asked.get(kind) as Questions },
      rounds,
    );
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
