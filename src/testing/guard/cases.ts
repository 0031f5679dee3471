import type { GuardWorld } from './world.js';

/** Defines a case. Each case gets its own world, whose routes are served. */
export type DefineCase = (name: string, body: (world: GuardWorld) => Promise<void>) => void;

/** The parts of the suite's options that cases need. */
export interface Hooks {
  readonly problemOf: ((body: unknown) => unknown) | undefined;
}

/** The cases of one group. */
export type Cases = (it: DefineCase, hooks: Hooks) => void;
