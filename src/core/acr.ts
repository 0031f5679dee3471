import { invalid, readBoundedList, readId } from './parse.js';

/** The most values of `acr` that a quorum accepts. */
export const MAX_ACR = 20;

/** Reads the accepted values of `acr`. @throws InvalidArgumentError */
export function readAcr(argument: string, value: unknown): readonly string[] {
  const list = readBoundedList(argument, value, 1, MAX_ACR).map((acr, i) => readId(`${argument}[${i}]`, acr));
  const repeated = list.findIndex((acr, i) => list.indexOf(acr) !== i);
  if (repeated !== -1) throw invalid(`${argument}[${repeated}]`, 'different from every other item', list[repeated]);
  return list;
}
