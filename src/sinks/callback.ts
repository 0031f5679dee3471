import { invalid, readId, readOptions } from '../core/parse.js';
import type { AuditSink } from '../core/ports.js';

/**
 * A sink that passes the entries to a function: one call at a time, in the journal's order, each entry at least once.
 * When the function throws or rejects, the same entries come again later.
 *
 * @param name identifies the destination, also after a restart: sinks of one name share one cursor across the fleet
 * @param write receives one or more entries and the context in which it may look up a request; must settle
 * @param options.follow `shared` (default): from the journal's start, once from the whole fleet.
 *   `local`: from the journal's head on, in every process
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * new JitEngine({ approver, audit: callbackSink('siem', (entries) => siem.send(entries)) });
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
