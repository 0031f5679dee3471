/* Hooks of a service, one of which answers late. Both faces are tested with them: no call begins anything after its answer. */

type Hook = (...args: never[]) => unknown;

/** The functions whose answer is synchronous by contract, and those that no call of a client asks. */
const OTHERS = ['constructor', 'answersFor', 'fits', 'decidesAtOnce', 'lint', 'explain'];

/** Of a hook that is asked about each item of a list, so many questions are late. */
const MOST = 3;

/** Lets everything run that waits for memory alone. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** The answer of a hook that refuses, where another was given. */
function refusing(answer: unknown): unknown {
  if (typeof answer === 'object' && answer !== null && 'outcome' in answer) return { outcome: 'deny', reason: 'no' };
  return Array.isArray(answer) ? [] : answer === true ? false : undefined;
}

/** Wraps the functions that a service gives, notes each question to them, and holds back one of the answers. */
export class LateHooks {
  /** The hooks, in the order in which they were asked. */
  asked: string[] = [];
  /** All hooks that it has wrapped. */
  readonly names = new Set<string>();
  #late: { readonly hook: string; readonly from: number; readonly refuses: boolean } | undefined;
  #release: () => void = () => undefined;
  #released: Promise<void> = Promise.resolve();

  /**
   * From now on, the answers of a hook are held back: the given question, counted from 0, and all after it.
   *
   * @param refuses whether they refuse when they come
   */
  hold(hook: string, from = 0, refuses = false): void {
    this.asked = [];
    this.#late = { hook, from, refuses };
    this.#released = new Promise((resolve) => (this.#release = resolve));
  }

  /** The held answers come now, and no other is held. */
  release(): void {
    this.letNextPass()();
  }

  /** Holds back no further answer. @returns releases those that are held */
  letNextPass(): () => void {
    this.#late = undefined;
    return this.#release;
  }

  /** An object whose functions, also inherited ones, are hooks. */
  wrap<T extends object>(name: string, given: T, into: object = Object.create(given) as object): T {
    const names = new Set<string>();
    for (let part: object = given; part !== Object.prototype; part = Object.getPrototypeOf(part) as object)
      for (const key of Object.getOwnPropertyNames(part)) names.add(key);
    for (const key of names) {
      const value = (given as Record<string, unknown>)[key];
      if (typeof value === 'function' && !OTHERS.includes(key))
        Object.defineProperty(into, key, { value: this.hook(`${name}.${key}`, (value as Hook).bind(given)), enumerable: true });
    }
    return into as T;
  }

  hook<T extends Hook>(name: string, call: T): T {
    this.names.add(name);
    const hook: Hook = (...args) => {
      const before = this.asked.filter((other) => other === name).length;
      this.asked.push(name);
      const late = this.#late;
      if (late?.hook !== name || before < late.from) return call(...args);
      const answer = this.#released.then(() => call(...args));
      return late.refuses ? answer.then(refusing) : answer;
    };
    return hook as T;
  }
}

/** A call that a service can make again from the start, with hooks. */
export interface HookedCall {
  readonly hooks: LateHooks;
  readonly advance: (by: string) => Promise<void>;
  readonly send: () => Promise<{ readonly status: number }>;
  /** The newest entry of the journal, after all background work. */
  readonly head: () => Promise<number>;
}

/** What happened when the answer of a hook was late. */
export interface LateCall {
  readonly hook: string;
  readonly status: number;
  /** How many entries the journal got after the answer. */
  readonly after: number;
}

/**
 * Makes a call once, to learn which hooks it asks, and then once more for each of these questions, whose answer then comes after the
 * time limit. The approver's answers come late a second time, and refuse. Each call begins in a world of its own.
 */
export async function lateCalls(make: () => Promise<HookedCall>, limit: string) {
  const { hooks, send, head } = await make();
  const { names } = hooks;
  const before = await head();
  const { status } = await send();
  const inTime = { status, asked: [...hooks.asked], written: (await head()) - before };
  const late: LateCall[] = [];
  const counts = new Map<string, number>();
  for (const hook of inTime.asked) {
    const from = counts.get(hook) ?? 0;
    counts.set(hook, from + 1);
    if (from >= MOST) continue;
    for (const refuses of hook.startsWith('approver.') ? [false, true] : [false]) {
      const call = await make();
      call.hooks.hold(hook, from, refuses);
      const answer = call.send();
      await settle();
      await call.advance(limit);
      const answered = await answer;
      const at = await call.head();
      call.hooks.release();
      await settle();
      await call.advance('1m');
      late.push({ hook: `${hook} ${from + 1}${refuses ? ' refuses' : ''}`, status: answered.status, after: (await call.head()) - at });
    }
  }
  return { inTime, late, names };
}
