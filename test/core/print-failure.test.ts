import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OwnFailure, printFailure, printLine } from '../../src/core/print-failure.js';
import { ClockError, StoreError } from '../../src/index.js';

let now = Date.now();
let lines: string[] = [];
beforeEach(() => {
  // Later than every line of an earlier test of this process.
  now += 366 * 86_400_000;
  lines = [];
  vi.spyOn(Date, 'now').mockImplementation(() => now);
  vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line));
});
afterEach(() => vi.restoreAllMocks());

const ENDING = '. Set onError to log the whole error.';
const printed = (error: unknown): string => {
  printFailure('engine', error, 'row');
  return (lines.pop() ?? '').replace(ENDING, '');
};

describe('printFailure()', () => {
  it.each<readonly [string, unknown, string]>([
    ['another error', new Error('hunter2'), 'Error'],
    ['a driver', Object.assign(new Error('hunter2'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    ['a code that is a text', Object.assign(new TypeError('x'), { code: 'user sam\nis admin' }), 'TypeError'],
    ['a code that is a number', Object.assign(new RangeError('x'), { code: 7 }), 'RangeError'],
    ['a long name', Object.assign(new Error('x'), { name: 'E'.repeat(65) }), 'Error'],
    ['a cause', new StoreError('get', 'hunter2', Object.assign(new Error('x'), { code: '57P01' })), 'ERR_JIT_STORE caused by 57P01'],
    ['an error of this package', new ClockError('the clock failed'), 'ERR_JIT_CLOCK: the clock failed'],
    ['a text of this package', new OwnFailure('sink siem hangs'), 'sink siem hangs'],
    ['a foreign error with a code of this package', Object.assign(new Error('hunter2'), { code: 'ERR_JIT_CLOCK' }), 'ERR_JIT_CLOCK'],
    ['text', 'hunter2', 'Error'],
    ['undefined', undefined, 'Error'],
    ['null', null, 'Error'],
    ['an unreadable object', revoked(), 'Error'],
  ])('[A2] prints the code and no text of others: %s', (_, error, expected) => {
    expect(printed(error)).toBe(`jit-access engine (row): ${expected}`);
  });

  it('[A2] prints one line, of visible ASCII', () => {
    printFailure('engine', new OwnFailure('ok'), 'sink a\n2026-01-01 INFO \u001b[31m\u202eé');
    expect(lines).toEqual([`jit-access engine (sink a?2026-01-01 INFO ?[31m??): ok${ENDING}`]);
  });

  it('[A2] prints an error once a minute where two parts report it, for the part that reports it first', () => {
    // A driver may keep one error, and throw it for each call.
    const error = new Error('x');
    printFailure('engine', error, 'rollback');
    printFailure('HTTP handler', error, 'http');
    now += 59_999;
    printFailure('HTTP handler', error, 'http');
    expect(lines).toEqual([`jit-access engine (rollback): Error${ENDING}`]);
    // The engine may have recovered: the part that still fails is heard.
    now += 1;
    printFailure('HTTP handler', error, 'http');
    printFailure('engine', error, 'rollback');
    expect(lines.slice(1)).toEqual([`jit-access HTTP handler (http): Error${ENDING}`]);
  });

  it('[A2] prints an error once where its kind was printed already, and two parts report it', () => {
    for (const error of [new Error('x'), new Error('y')]) {
      printFailure('engine', error, 'rollback');
      printFailure('HTTP handler', error, 'http');
    }
    expect(lines).toEqual([`jit-access engine (rollback): Error${ENDING}`]);
  });

  it('[A2] prints at most 10 kinds a minute of one part, which silences no other part', () => {
    for (let i = 0; i < 1_000; i++) printFailure('engine', Object.assign(new Error('x'), { code: `E${i}` }), 'sink a');
    expect(lines).toHaveLength(10);
    printFailure('engine', new Error('x'), 'sink b');
    printFailure('sweeper', new Error('x'));
    printLine('checker (clock)', ': Error');
    expect(lines.slice(10)).toEqual(
      ['engine (sink b): Error', 'sweeper: Error', 'checker (clock): Error'].map((kind) => `jit-access ${kind}${ENDING}`),
    );
    now += 60_000;
    printFailure('engine', Object.assign(new Error('x'), { code: 'E999' }), 'sink a');
    expect(lines).toHaveLength(14);
  });

  it('[A2] prints at most 500 kinds a minute of all parts, and remembers no more', () => {
    for (let i = 0; i < 1_000; i++) printLine(`engine (sink ${i})`, ': Error');
    expect(lines).toHaveLength(500);
    now += 60_000;
    printLine('engine (sink 999)', ': Error');
    expect(lines).toHaveLength(501);
  });

  it('[A2] prints again after the clock was set back, and not for ever after it was ahead', () => {
    printLine('engine (clock)', ': Error');
    now -= 3_600_000;
    printLine('engine (clock)', ': Error');
    printLine('engine (clock)', ': Error');
    expect(lines).toHaveLength(2);
  });

  it.each([undefined, {}, { error: 'none' }])('[A2] does nothing in a runtime whose console is %j', (console) => {
    vi.stubGlobal('console', console);
    try {
      expect(() => printFailure('engine', new Error('x'), 'row')).not.toThrow();
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
