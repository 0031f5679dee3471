import type { ManualClock } from '../../src/testing.js';

/** One way in which somebody else's code goes wrong: what it does when it is called. */
export interface BrokenAnswer {
  readonly what: string;
  readonly answer: (clock: ManualClock) => unknown;
  /** The answer stays out until the clock has passed the time that there is for it. */
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
  // What is not an error, too: an approver is somebody else's code.
  answer: () => Promise.resolve().then(() => Promise.reject(error() as Error)),
});

/** Every trap of it throws: whoever looks at it in any way hears of it. */
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
    'what looks like a lost race',
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
  ['what nobody may look at', () => barbed(() => undefined)],
  ['a revoked proxy', () => revoked({})],
];

export const THROWS: readonly BrokenAnswer[] = ERRORS.map(([what, error]) => thrown(what, error));

/**
 * Promises that fail, and what only looks like a promise.
 *
 * @param yes what would allow, if it were believed
 */
export const rejections = (yes: unknown): readonly BrokenAnswer[] => [
  ...ERRORS.map(([what, error]) => rejected(what, error)),
  { what: 'has a `then` that throws', answer: () => ({ then: thrown('', () => new Error('no')).answer }) },
  {
    what: 'has a `then` that can not be read',
    answer: () => ({
      get then() {
        throw new Error('no');
      },
    }),
  },
  {
    what: 'is a thenable that fails, and then says yes',
    answer: () => ({ then: (ok: (y: unknown) => void, no: (e: unknown) => void) => (no(new Error('no')), ok(yes)) }),
  },
  { what: 'is a thenable that says nothing, and then yes', answer: () => ({ then: (ok: (y: unknown) => void) => (ok(null), ok(yes)) }) },
  { what: 'resolves with what nobody may look at', answer: () => Promise.resolve({ then: (ok: (y: unknown) => void) => ok(barbed({})) }) },
];

/** What never answers within its time, or not in a way that anybody could wait for. */
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
    what: 'turns into a thenable that never settles, once it has been looked at',
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
