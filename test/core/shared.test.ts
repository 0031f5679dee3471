import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { shared, stateOf } from '../../src/core/shared.js';
import { ManualClock } from '../../src/testing.js';

/** A copy of the package that is a file of its own, as a bundler makes it. */
let copy: string;
beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: `export * from './src/index.js'; export { createChecker } from './src/check.js'; export { accessOf } from './src/express.js';
        export { viewOf } from './src/view.js';`,
      resolveDir: new URL('../..', import.meta.url).pathname,
    },
    bundle: true,
    format: 'iife',
    globalName: 'copy',
    platform: 'neutral',
    write: false,
  });
  copy = outputFiles[0]?.text ?? '';
});

/** A realm in which a script has run before any copy of the package is loaded. */
function realm(before = '') {
  const context = createContext({ console, performance, crypto, setTimeout, clearTimeout, TextEncoder, TextDecoder, AbortController });
  runInContext(`${before};\n${copy}`, context);
  return (script: string): unknown => runInContext(`(() => { ${script} })()`, context) as unknown;
}

const CHECKER = `new copy.JitEngine({ store: new copy.MemoryGrantStore(), approver: copy.reviewers({ members: ['user:sam'] }) })`;
const KEY = `Symbol.for('jit-access/1')`;
const code = (script: string) => `try { ${script}; return 'none'; } catch (error) { return error.code; }`;

describe('the state that copies share', () => {
  it('is made once, frozen, and cannot be replaced or listed', () => {
    shared();
    const property = Object.getOwnPropertyDescriptor(globalThis, Symbol.for('jit-access/1'));
    expect(property).toMatchObject({ writable: false, configurable: false, enumerable: false });
    expect(property?.value).toBe(shared());
    expect(Object.isFrozen(shared())).toBe(true);
  });

  it('is not made by an import', () => {
    expect(realm()(`return ${KEY} in globalThis`)).toBe(false);
  });

  it('knows the system clock of every copy as one, and a clock that is spread from it as another', () => {
    const { clocks, system } = shared();
    const other = realm()('return copy.systemClock') as typeof systemClock;
    expect(stateOf(systemClock)).toBe(stateOf(other));
    expect(clocks.get(system)).toBe(stateOf(systemClock));
    for (const clock of [{ ...systemClock }, Object.create(systemClock) as object, new ManualClock()])
      expect(stateOf(clock)).not.toBe(stateOf(systemClock));
  });

  it.each([
    ['no object', `globalThis[${KEY}] = 1`],
    ['an empty object', `globalThis[${KEY}] = {}`],
    ['objects that look like maps', `globalThis[${KEY}] = { clocks: { has: () => true }, accesses: { has: () => true }, system: {} }`],
    ['a state that can be replaced', `globalThis[${KEY}] = Object.freeze({ clocks: new WeakMap(), accesses: new WeakMap(), system: {} })`],
    [
      'a state that can be changed',
      `Object.defineProperty(globalThis, ${KEY}, { value: { clocks: new WeakMap(), accesses: new WeakMap(), system: {} } })`,
    ],
    ['a getter', `Object.defineProperty(globalThis, ${KEY}, { get: () => ({}) })`],
  ])('is refused if other code has put there %s: no engine, no checker, no access', (_, before) => {
    const run = realm(before);
    const refused = 'ERR_JIT_INVALID_ARGUMENT';
    expect(run(code(CHECKER))).toBe(refused);
    expect(run(code(`copy.createChecker({ store: new copy.MemoryGrantStore() })`))).toBe(refused);
    expect(run(code(`copy.accessOf({})`))).toBe(refused);
  });

  it.each(['NaN', '"1"', 'undefined', '1.5'])('L30 is refused if the mark of a clock is %s, also after the checker was made', (mark) => {
    const clock = `const clock = { now: () => 1_800_000_000_000 }; const store = new copy.MemoryGrantStore();`;
    const state = `globalThis[${KEY}].clocks`;
    const made = realm()(
      code(`${clock} copy.createChecker({ store, clock }); ${state}.get(clock).highWater = ${mark}; copy.createChecker({ store, clock })`),
    );
    expect(made).toBe('ERR_JIT_INVALID_ARGUMENT');
    const read = realm()(
      code(
        `${clock} const checker = copy.createChecker({ store, clock }); ${state}.get(clock).highWater = ${mark}; return checker.isAllowed('user:maya', 'db:x')`,
      ),
    );
    return expect(read).rejects.toMatchObject({ code: 'ERR_JIT_CLOCK' });
  });
});
