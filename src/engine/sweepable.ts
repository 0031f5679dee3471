import type { Pass } from './sweep.js';

/** What a sweeper needs of an engine, and no other caller: it is kept beside the engine, not among its methods. */
export interface Sweepable {
  /** Starts a pass. @throws ClosedError */
  readonly pass: () => Pass;
  /** Calls the listener once when the engine closes; at once where it has. @returns removes the listener */
  readonly onClose: (listener: () => void) => () => void;
}

const sweepables = /* @__PURE__ */ new WeakMap<object, Sweepable>();

export const setSweepable = (engine: object, sweepable: Sweepable): void => void sweepables.set(engine, sweepable);

/** `undefined`: the engine comes from another copy of this package. */
export const sweepableOf = (engine: object): Sweepable | undefined => sweepables.get(engine);
