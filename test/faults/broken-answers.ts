import type { ManualClock } from '../../src/testing.js';

/** One way in which foreign code fails: what it does when it is called. */
export interface BrokenAnswer {
  readonly what: string;
  readonly answer: (clock: ManualClock) => unknown;
  /** The answer comes only after the clock has passed the time limit. */
  readonly hangs?: boolean;
}

const thrown = (what: string, error: () => unknown): BrokenAnswer => ({
  what: `throws ${what}`,
  answer: () => {
    throw error();
  },
});

const rejected = (what: string, error: () => unknown): BrokenAnswer => ({
  what: `rejects with ${what}`,
  // Also values that are not errors: an approver is foreign code.
  answer: () => Promise.resolve().then(() => Promise.reject(error() as Error)),
});

/** A proxy whose every trap throws: any access to it fails. */
export const barbed = (target: object): object =>
  new Proxy(
    target,
    new Proxy(
      {},
      {
        get: () => () => {
          throw new Error('a trap');
        },
      },
    ),
  );

export function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

const ERRORS: readonly (readonly [string, () => unknown])[] = [
  ['an error', () => new Error('LDAP is down')],
  ['a bug', () => new TypeError('undefined is not a function')],
  ['nothing', () => undefined],
  ['null', () => null],
  ['a yes', () => true],
  [
    'an object that looks like a conflict',
    () => Object.assign(new Error('lost'), { code: 'ERR_JIT_CONFLICT', [Symbol.for('jit-access.error')]: true }),
  ],
  [
    'an error whose message throws',
    () =>
      Object.defineProperty(new Error(), 'message', {
        get: () => {
          throw new Error('no message');
        },
      }),
  ],
  ['an object whose traps throw', () => barbed(() => undefined)],
  ['a revoked proxy', () => revoked({})],
];

export const THROWS: readonly BrokenAnswer[] = ERRORS.map(([what, error]) => thrown(what, error));

/**
 * Promises that reject, and values that only look like a promise.
 *
 * @param yes the value that would allow, if it counted
 */
export const rejections = (yes: unknown): readonly BrokenAnswer[] => [
  ...ERRORS.map(([what, error]) => rejected(what, error)),
  { what: 'has a `then` that throws', answer: () => ({ then: thrown('', () => new Error('no')).answer }) },
  {
    what: 'has a `then` that cannot be read',
    answer: () => ({
      get then() {
        throw new Error('no');
      },
    }),
  },
  {
    what: 'is a thenable that rejects, and then resolves with yes',
    answer: () => ({ then: (ok: (y: unknown) => void, no: (e: unknown) => void) => (no(new Error('no')), ok(yes)) }),
  },
  {
    what: 'is a thenable that resolves with null, and then with yes',
    answer: () => ({ then: (ok: (y: unknown) => void) => (ok(null), ok(yes)) }),
  },
  {
    what: 'resolves with an object whose traps throw',
    answer: () => Promise.resolve({ then: (ok: (y: unknown) => void) => ok(barbed({})) }),
  },
];

/** Answers that never come in time, or that cannot be awaited. */
export const hangs = (yes: unknown): readonly BrokenAnswer[] => [
  { what: 'never settles', answer: () => new Promise(() => undefined), hangs: true },
  { what: 'is a thenable that never settles', answer: () => ({ then: () => undefined }), hangs: true },
  {
    what: 'says yes too late',
    answer: async (clock) => {
      await clock.sleep(clock.now() + 2_000, new AbortController().signal);
      return yes;
    },
    hangs: true,
  },
  {
    what: 'fails too late',
    answer: async (clock) => {
      await clock.sleep(clock.now() + 2_000, new AbortController().signal);
      throw new Error('late');
    },
    hangs: true,
  },
  {
    what: 'becomes a thenable that never settles after the first read',
    answer: () => {
      let looks = 0;
      return {
        get then() {
          return looks++ === 0 ? undefined : () => undefined;
        },
      };
    },
    hangs: true,
  },
  { what: 'resolves with a thenable that never settles', answer: () => Promise.resolve({ then: () => undefined }), hangs: true },
];
