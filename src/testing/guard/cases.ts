import type { GuardWorld } from './world.js';

/** Defines a case. Each gets a world of its own, which is served. */
export type DefineCase = (name: string, body: (world: GuardWorld) => Promise<void>) => void;

/** What cases know of the adapter besides calling it. */
export interface Hooks {
  readonly problemOf: ((body: unknown) => unknown) | undefined;
}

/** The cases of one group. */
export type Cases = (it: DefineCase, hooks: Hooks) => void;
