import { invalid, readId, readOptions } from '../core/parse.js';
import type { AuditSink } from '../core/ports.js';
import { callbackSink } from './callback.js';
import { formatEntry } from './format.js';

/** What a console has to have. */
export interface ConsoleLike {
  log(line: string): void;
}

/**
 * Prints each entry that is made from now on, in every process, as one line (see {@link formatEntry}).
 * It follows the journal `local`: for watching, not for keeping.
 *
 * @param options.console default: the runtime's own
 * @param options.name default: `'console'`
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
