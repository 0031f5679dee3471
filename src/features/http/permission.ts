import { ownProblem, type HttpError } from './problem.js';

/** The answer if `may` does not permit a call. It is the same for every target, so it says nothing about what exists. */
export const forbidden = (): HttpError => ownProblem('forbidden');
