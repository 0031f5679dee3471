import { describe, expect, it } from 'vitest';
import { JitEngine, MemoryGrantStore, reviewers } from '../../src/index.js';
import { kernelIn, kernelOf } from '../../src/kernel/kernel-of.js';
import { Kernel } from '../../src/kernel/kernel.js';

const anEngine = () => new JitEngine({ store: new MemoryGrantStore(), approver: reviewers({ members: ['user:sam'] }) });

describe('kernelOf()', () => {
  it('returns the one kernel of an engine, also through a proxy around it and for a subclass', () => {
    const engine = anEngine();
    const traced = new Proxy(engine, { get: (target, name, receiver) => Reflect.get(target, name, receiver) as unknown });
    expect(kernelOf(engine)).toBeInstanceOf(Kernel);
    expect(kernelOf(traced)).toBe(kernelOf(engine));
    class Own extends JitEngine {}
    expect(kernelOf(new Own({ store: new MemoryGrantStore(), approver: reviewers({ members: ['user:sam'] }) }))).toBeInstanceOf(Kernel);
    expect(kernelOf(anEngine())).not.toBe(kernelOf(engine));
  });

  it('hides the kernel from enumeration and from copies of an engine', () => {
    const engine = anEngine();
    expect(Object.keys(engine)).toEqual(['clock']);
    expect(kernelIn({ ...engine })).toBeUndefined();
  });

  it.each([undefined, null, 7, 'engine', {}, () => 1])('names the argument and the usual cause for %s', (value) => {
    expect(kernelIn(value)).toBeUndefined();
    expect(() => kernelOf(value)).toThrow(
      expect.objectContaining({
        code: 'ERR_JIT_INVALID_ARGUMENT',
        argument: 'engine',
        message: expect.stringContaining('Two copies') as string,
      }),
    );
  });
});
