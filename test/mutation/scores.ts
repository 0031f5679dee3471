import type { Mutant } from './report.js';
import { LEAST, roomOf, ROOMS, type Room } from './rooms.js';
import type { Survivor } from './survivors.js';

/** The results of the mutants in one room. */
export interface Score {
  readonly room: Room;
  readonly found: number;
  readonly survived: readonly Mutant[];
  /** Ignored mutants: messages of errors, and code that runs only while a module loads. */
  readonly ignored: number;
}

const isFound = ({ status }: Mutant): boolean => status === 'Killed' || status === 'Timeout';
/** Mutants without coverage or with an error count as survivors. */
const hasSurvived = ({ status }: Mutant): boolean => status === 'Survived' || status === 'NoCoverage' || status === 'RuntimeError';

/** Of the rooms in which something was changed. */
export function scoresOf(mutants: readonly Mutant[]): Score[] {
  return ROOMS.map((room) => {
    const inside = mutants.filter(({ file }) => roomOf(file) === room);
    return {
      room,
      found: inside.filter(isFound).length,
      survived: inside.filter(hasSurvived),
      ignored: inside.filter(({ status }) => status === 'Ignored').length,
    };
  }).filter(({ found, survived }) => found + survived.length > 0);
}

/** Percent with two digits, rounded down so that it never reaches a limit by rounding. */
export function percent(found: number, survived: number): number {
  return Math.floor((found / (found + survived)) * 10_000) / 100;
}

/** All rooms taken together. */
export function total(scores: readonly Score[]): { readonly found: number; readonly survived: number; readonly ignored: number } {
  const sum = (of: (score: Score) => number) => scores.reduce((so, score) => so + of(score), 0);
  return { found: sum(({ found }) => found), survived: sum(({ survived }) => survived.length), ignored: sum(({ ignored }) => ignored) };
}

/** The violations, one line each; empty if all is well. */
export function complaints(mutants: readonly Mutant[], listed: readonly Survivor[]): string[] {
  const scores = scoresOf(mutants);
  if (scores.length === 0) return ['nothing was changed, which says nothing'];
  const all = total(scores);
  const low = [
    ...scores.map(({ room, found, survived }) => ({ name: room.name, score: percent(found, survived.length), least: room.least ?? 0 })),
    { name: 'all of it', score: percent(all.found, all.survived), least: LEAST },
  ].filter(({ score, least }) => score < least);
  const strict = scores.filter(({ room }) => room.least !== undefined).flatMap(({ survived }) => survived);
  const known = new Set(listed.map(key));
  const alive = new Set(strict.map(key));
  const looked = new Set(mutants.map(({ file }) => file));
  return [
    ...low.map(({ name, score, least }) => `${name}: ${score} % of the changes were found, and at least ${least} % have to be`),
    ...strict.filter((one) => !known.has(key(one))).map((one) => `survived, and is not listed: ${said(one)}`),
    ...listed.filter((one) => looked.has(one.file) && !alive.has(key(one))).map((one) => `is listed, and does not survive: ${said(one)}`),
  ];
}

/** Not by line number, which any edit above changes. */
const key = ({ file, mutator, line, from, to }: Omit<Survivor, 'why'>): string => JSON.stringify([file, mutator, line, from, to]);

const said = ({ file, mutator, line, from, to }: Omit<Survivor, 'why'>): string =>
  `${file}, ${mutator}\n    in:   ${line}\n    from: ${from}\n    to:   ${to}`;
