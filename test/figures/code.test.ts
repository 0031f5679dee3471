import { describe, expect, it } from 'vitest';
import { beyond, fileSizes, functionSizes, functionsOf, type Size } from './code.js';
import { modulesOnCycles } from './modules.js';
import { tooLarge } from './too-large.js';

const sizes: readonly Size[] = [...fileSizes(), ...functionSizes()];

describe('the size of the code', () => {
  it('is within its limits, except for the listed files and functions, none of which has grown', () => {
    const wrong = beyond(sizes).filter(({ name, lines }) => lines > (tooLarge[name] ?? 0));
    expect(wrong.map(({ name, lines, allowed }) => `${name} has ${lines} lines, of ${tooLarge[name] ?? allowed} at most`)).toEqual([]);
  });

  it('lists only files and functions that exist and exceed the limits', () => {
    const still = beyond(sizes).map(({ name }) => name);
    expect(Object.keys(tooLarge).filter((name) => !still.includes(name))).toEqual([]);
  });
});

describe('the figures of the code', () => {
  const lines = (count: number) => '  f();\n'.repeat(count);

  it('count the lines of a function from its signature to its end, under its name or that of the call it is passed to', () => {
    const text = `/** Documentation does not count. */
function outer(
  a: number,
) {
${lines(3)}  run(() => {
    f();
  });
}
class Engine {
  constructor() {}
  approve() {
    f();
  }
}
const arrow = () => {
  f();
};
`;
    expect(functionsOf('some/module', text).map(({ name, lines }) => [name, lines])).toEqual([
      ['some/module#outer', 10],
      ['some/module#outer.run()', 3],
      ['some/module#Engine.constructor', 1],
      ['some/module#Engine.approve', 3],
      ['some/module#arrow', 3],
    ]);
  });

  it('allow a function at most 60 lines', () => {
    expect(beyond(functionsOf('some/module', `function f() {\n${lines(58)}}\n`))).toEqual([]);
    expect(beyond(functionsOf('some/module', `function f() {\n${lines(59)}}\n`))).toEqual([
      { name: 'some/module#f', lines: 61, allowed: 60 },
    ]);
  });

  it('allow a file 300 lines, a catalogue 400 and the engine 600', () => {
    const allowed = new Map(fileSizes().map((size) => [size.name, size.allowed]));
    expect(['core/scope', 'model/types', 'engine/engine'].map((name) => allowed.get(name))).toEqual([300, 400, 600]);
  });

  it('find a cycle of any length, and only the modules on it', () => {
    const arrows = (...pairs: string[]) => pairs.map((pair) => ({ from: pair.slice(0, 1), to: pair.slice(1) }));
    expect(modulesOnCycles(arrows('ab', 'bc', 'cb', 'cd'))).toEqual(['b', 'c']);
    expect(modulesOnCycles(arrows('aa', 'ab'))).toEqual(['a']);
    expect(modulesOnCycles(arrows('ab', 'bc', 'ac'))).toEqual([]);
  });
});
