import { InvalidArgumentError } from './errors.js';

/*
 * All that the copies of this package in a process share. There are several copies: ESM beside CommonJS, each entry that is one file,
 * two versions. A second copy of this state is a hole: a checker of one copy would allow again, after a step back of the clock, what the
 * engine of another copy has already judged as ended (L1, L5).
 *
 * Code of the same process can change it, as it can change `Date.now`. Text cannot reach it: its name is a symbol.
 */

/** The state of a clock, by the object that is the clock. */
export interface ClockState {
  /** The highest reading that this process has used (L5). Epoch milliseconds. It only rises. */
  highWater: number;
  /** The number of changes that the engines over the clock have made and that must not confirm it (L39). */
  changes: number;
  /** The ids of the newest of them. */
  readonly changeIds: Set<string>;
}

export interface Shared {
  readonly clocks: WeakMap<object, ClockState>;
  /** Stands in `clocks` for the system clock of each copy. */
  readonly system: object;
  /** The access with which a guard has allowed a request, by the object that carries it to the handler. */
  readonly accesses: WeakMap<object, object>;
  /** How often the guards that only observe would have given each answer, by the engine or the checker that they ask. */
  readonly observed: WeakMap<object, Record<string, number>>;
}

/** The number names the layout of {@link Shared}: who changes a field or its meaning takes the next one. */
const KEY = /* @__PURE__ */ Symbol.for('jit-access/1');
/** Marks the system clock of each copy. */
export const SYSTEM_CLOCK: typeof KEY = KEY;

/** `tsup.config.ts` sets it. */
declare const JIT_ACCESS_BUILD: string;
/** The version and the format of this copy. What is no layout of {@link Shared} is shared by copies of one build only. */
export const BUILD = typeof JIT_ACCESS_BUILD === 'string' ? JIT_ACCESS_BUILD : 'source';

/** The property of an engine by which a view of the same version and format reaches its kernel. The view is a file of its own. */
export const kernelForView = (): symbol => Symbol.for(`jit-access/kernel ${BUILD}`);

/**
 * The shared state. The first copy that needs it makes it, and no code can replace it afterwards.
 *
 * @throws InvalidArgumentError if other code has put another value in its place: an engine without the shared state could allow too much
 */
export function shared(): Shared {
  const place = globalThis as { readonly [KEY]?: Shared };
  try {
    if (place[KEY] === undefined) {
      const made: Shared = { clocks: new WeakMap(), system: {}, accesses: new WeakMap(), observed: new WeakMap() };
      Object.defineProperty(place, KEY, { value: Object.freeze(made) });
    }
    const state = place[KEY] as Shared;
    // Throws for a value that is no map.
    for (const map of [state.clocks, state.accesses, state.observed]) WeakMap.prototype.has.call(map, state.system);
    return state;
  } catch {
    throw new InvalidArgumentError(
      "globalThis[Symbol.for('jit-access/1')]",
      'left to jit-access, and globalThis extensible',
      'another value',
    );
  }
}

/** The state of a clock. Its readers refuse a mark that is no number. @throws InvalidArgumentError as {@link shared} */
export function stateOf(clock: object): ClockState {
  const { clocks, system } = shared();
  const key = Object.hasOwn(clock, SYSTEM_CLOCK) ? system : clock;
  const state = clocks.get(key) ?? { highWater: 0, changes: 0, changeIds: new Set<string>() };
  clocks.set(key, state);
  return state;
}
