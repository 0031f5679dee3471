import { invalid, readId, readOptions } from '../core/parse.js';
import type { AuditSink } from '../core/ports.js';
import { callbackSink } from './callback.js';
import { formatEntry } from './format.js';

/** The part of a console that the sink uses. */
export interface ConsoleLike {
  log(line: string): void;
}

/**
 * A sink that prints each entry as one line (see {@link formatEntry}), in every process, from the engine's first call on.
 * It follows the journal `local`: use it to watch an engine, not to keep the journal.
 *
 * @param options.console the console that it prints to. Default: the runtime's own
 * @param options.name the sink's name. Default: `'console'`
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 */
export function consoleSink(options: { readonly console?: ConsoleLike | undefined; readonly name?: string | undefined } = {}): AuditSink {
  const { console: target = globalThis.console, name = 'console' } = readOptions('options', options, ['console', 'name']);
  if (!isConsole(target)) throw invalid('console', 'an object with a method log', target);
  return callbackSink(
    readId('name', name),
    (entries) => {
      for (const entry of entries) target.log(formatEntry(entry));
    },
    { follow: 'local' },
  );
}

const isConsole = (value: unknown): value is ConsoleLike => typeof (value as ConsoleLike | null | undefined)?.log === 'function';
