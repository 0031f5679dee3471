import { describe, expect, it } from 'vitest';
import { readWatchOptions } from '../../../src/features/work/options.js';
import { refusal } from '../../engine/an-engine.js';

describe('readWatchOptions()', () => {
  it('reads durations, and has defaults of one and five seconds', () => {
    expect(readWatchOptions({})).toEqual({ pollMs: 1_000, maxUnconfirmedMs: 5_000 });
    expect(readWatchOptions({ poll: '2s', maxUnconfirmed: '2001ms' })).toEqual({ pollMs: 2_000, maxUnconfirmedMs: 2_001 });
  });

  it.each([
    [{ poll: 0 }, 'poll'],
    [{ poll: '1.5s' }, 'poll'],
    [{ maxUnconfirmed: -1 }, 'maxUnconfirmed'],
    [{ poll: 5_000 }, 'poll'],
    [{ poll: '2s', maxUnconfirmed: '2s' }, 'poll'],
    // With the default of poll, the error names the option that the caller gave.
    [{ maxUnconfirmed: 500 }, 'maxUnconfirmed'],
    [{ maxUnconfirmed: '1s' }, 'maxUnconfirmed'],
    [{ poll: null }, 'poll'],
    [{ maxUnconfirmed: null }, 'maxUnconfirmed'],
    [{ pollMs: 1 }, 'options'],
    ['1s', 'options'],
    [null, 'options'],
  ])('refuses %j: it names %s', async (options, argument) => {
    expect((await refusal(() => readWatchOptions(options), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe(argument);
  });
});
