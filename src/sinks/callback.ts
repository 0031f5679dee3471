import { invalid, readId, readOptions } from '../core/parse.js';
import type { AuditSink } from '../core/ports.js';

/**
 * A sink that passes the entries to a function: one call at a time in a process, in journal order, each entry at least once. When
 * the function throws or rejects, the engine passes the same entries again later.
 *
 * @param name identifies the destination. Keep it across restarts: sinks with one name share one cursor across the fleet
 * @param write receives one or more entries, and a context for the lookup of a request. It must settle
 * @param options.follow `shared`: from the start of the journal, once for the whole fleet. `local`: from the head of the journal
 *   on, in every process. Default: `shared`
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * new JitEngine({ store, approver, audit: callbackSink('siem', (entries) => siem.send(entries)) });
 */
export function callbackSink(
  name: string,
  write: AuditSink['write'],
  options: { readonly follow?: 'shared' | 'local' | undefined } = {},
): AuditSink {
  const { follow = 'shared' } = readOptions('options', options, ['follow']);
  if (follow !== 'shared' && follow !== 'local') throw invalid('follow', "'shared' or 'local'", follow);
  if (typeof write !== 'function') throw invalid('write', 'a function', write);
  return Object.freeze({ name: readId('name', name), follow, write });
}
