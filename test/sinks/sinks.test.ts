import { afterEach, describe, expect, it, vi } from 'vitest';
import { callbackSink } from '../../src/sinks/callback.js';
import { consoleSink } from '../../src/sinks/console.js';
import { formatEntry } from '../../src/sinks/format.js';
import { journalOf } from '../journal/sample.js';

const refused = (argument: string) => expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument }) as Error;
type Callback = typeof callbackSink;
const CONTEXT = { request: () => Promise.resolve(undefined) };

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe('callbackSink()', () => {
  it('passes the entries to the function, and returns its result', async () => {
    const answer = Promise.resolve();
    const write = vi.fn(() => answer);
    const entries = journalOf(2);
    const sink = callbackSink('siem', write);
    expect(sink.write(entries, CONTEXT)).toBe(answer);
    expect(write).toHaveBeenCalledWith(entries, CONTEXT);
    await answer;
  });

  it('passes on a failure, so that the entries are delivered again', () => {
    const sink = callbackSink('siem', () => {
      throw new Error('503');
    });
    expect(() => sink.write(journalOf(1), CONTEXT)).toThrow('503');
  });

  it('is a shared follower by default', () => {
    const write = () => {};
    expect(callbackSink('siem', write)).toEqual({ name: 'siem', follow: 'shared', write });
    expect(callbackSink('siem', write, { follow: undefined }).follow).toBe('shared');
    expect(callbackSink('siem', write, { follow: 'local' }).follow).toBe('local');
  });

  it('is frozen', () => {
    expect(Object.isFrozen(callbackSink('siem', () => {}))).toBe(true);
  });

  it.each<[string, Parameters<Callback>, string]>([
    ['no name', [undefined as never, () => {}], 'name'],
    ['an empty name', ['', () => {}], 'name'],
    ['a name with a line break', ['a\nb', () => {}], 'name'],
    ['a name of 257 characters', ['a'.repeat(257), () => {}], 'name'],
    ['no function', ['a', undefined as never], 'write'],
    ['an object with a method', ['a', { write: () => {} } as never], 'write'],
    ['another way to follow', ['a', () => {}, { follow: 'global' as never }], 'follow'],
    ['null as the way to follow', ['a', () => {}, { follow: null as never }], 'follow'],
    ['an unknown option', ['a', () => {}, { folow: 'local' } as never], 'options'],
    ['options that are null', ['a', () => {}, null as never], 'options'],
    ['options that are a word', ['a', () => {}, 'local' as never], 'options'],
  ])('refuses %s', (_, args, argument) => {
    expect(() => callbackSink(...args)).toThrow(refused(argument));
  });
});

describe('consoleSink()', () => {
  it('prints one line for each entry', () => {
    const log = vi.fn<(line: string) => void>();
    const entries = journalOf(3);
    void consoleSink({ console: { log } }).write(entries, CONTEXT);
    expect(log.mock.calls).toEqual(entries.map((entry) => [formatEntry(entry)]));
  });

  it('uses the console of the runtime by default, read at construction', () => {
    const log = vi.spyOn(globalThis.console, 'log').mockImplementation(() => {});
    void consoleSink().write(journalOf(1), CONTEXT);
    expect(log).toHaveBeenCalledOnce();
  });

  it('calls the method on its console', () => {
    class Lines {
      readonly seen: string[] = [];
      log(line: string) {
        this.seen.push(line);
      }
    }
    const lines = new Lines();
    void consoleSink({ console: lines }).write(journalOf(2), CONTEXT);
    expect(lines.seen).toHaveLength(2);
  });

  it('is a local follower: every process prints new entries', () => {
    expect(consoleSink()).toMatchObject({ name: 'console', follow: 'local' });
    expect(consoleSink({ name: 'stdout' }).name).toBe('stdout');
  });

  it('passes one argument, so that no text is used as a format', () => {
    const log = vi.fn();
    void consoleSink({ console: { log } }).write(
      journalOf(1).map((entry) => ({ ...entry, actor: '%s %c %o' })),
      CONTEXT,
    );
    expect(log.mock.calls[0]).toHaveLength(1);
  });

  it('refuses construction without a console', () => {
    vi.stubGlobal('console', undefined);
    expect(() => consoleSink()).toThrow(refused('console'));
  });

  it.each([
    ['null', { console: null }, 'console'],
    ['a function', { console: () => {} }, 'console'],
    ['a console without log', { console: { info: () => {} } }, 'console'],
    ['an empty name', { name: '' }, 'name'],
    ['a name that is null', { name: null }, 'name'],
    ['an unknown option', { consol: console }, 'options'],
    ['a console as the options', console, 'options'],
    ['a list', [], 'options'],
  ])('refuses %s', (_, options, argument) => {
    expect(() => consoleSink(options as never)).toThrow(refused(argument));
  });
});
