import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { EngineClock, systemClock } from '../../src/core/clock.js';
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

const ENGINE = `new copy.JitEngine({ store: new copy.MemoryGrantStore(), approver: copy.reviewers({ members: ['user:sam'] }) })`;
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
    ['a getter', `Object.defineProperty(globalThis, ${KEY}, { get: () => ({}) })`],
  ])('is refused if other code has put there %s: no engine, no checker, no access', (_, before) => {
    const run = realm(before);
    const refused = 'ERR_JIT_INVALID_ARGUMENT';
    expect(run(code(ENGINE))).toBe(refused);
    expect(run(code(`copy.createChecker({ store: new copy.MemoryGrantStore() })`))).toBe(refused);
    expect(run(code(`copy.accessOf({})`))).toBe(refused);
  });

  it.each(['NaN', '"1"', 'undefined', '1.5'])('L30 is refused by a checker if the mark of its clock is %s', async (mark) => {
    const read = realm()(
      `const clock = { now: () => 1_800_000_000_000 }; const options = { store: new copy.MemoryGrantStore(), clock };
       const before = copy.createChecker(options);
       globalThis[${KEY}].clocks.get(clock).highWater = ${mark};
       return [before, copy.createChecker(options)].map((checker) => checker.isAllowed('user:maya', 'db:x'));`,
    ) as Promise<boolean>[];
    expect(read).toHaveLength(2);
    for (const answer of read) await expect(answer).rejects.toMatchObject({ code: 'ERR_JIT_CLOCK' });
  });

  it.each([NaN, '1', undefined, 1.5])('L5 L30 refuses to read a clock whose mark is %s', (mark) => {
    const source = new ManualClock();
    const clock = new EngineClock(source, 0, () => undefined, true);
    stateOf(source).highWater = mark as number;
    expect(() => clock.read()).toThrow(expect.objectContaining({ code: 'ERR_JIT_CLOCK' }) as Error);
  });
});
