import { sizeProblem } from '../../core/change-size.js';
import type { Writes } from '../../lifecycle/transition.js';
import { hold } from '../../records/bookmark.js';
import { encode } from '../../records/index.js';
import type { Kernel } from '../kernel.js';

/**
 * Whether one change can hold everything that a rule writes (L42), with the row that a commit may add to hold back purges. The
 * size is computed with a placeholder id and digest, which have the length of the real ones.
 */
export function fitsChange({ ledger, settings }: Kernel, { put, entries, dependsOn = [] }: Writes): boolean {
  const { namespace } = ledger.store;
  const id = '0'.repeat(32);
  const digest = '0'.repeat(64);
  const rows = [
    ...put.map(encode),
    hold(
      id,
      settings.sinks.map(({ name }) => name),
    ),
  ];
  return (
    sizeProblem({
      id,
      expect: [...rows, ...dependsOn].map(({ kind, id: recordId, version }) => ({ kind, id: recordId, version })),
      put: rows,
      append: entries.map((entry, i) => ({ v: 1, namespace, id: `${id}.${i + 1}`, ...entry, digest })),
    }) === undefined
  );
}

/**
 * A change that writes as many of these records as it can hold (L42): all, or the first half of them, and so on. Without any of them
 * it may still be too large.
 */
export function fitting<T, Change extends Writes>(kernel: Kernel, records: readonly T[], make: (some: readonly T[]) => Change): Change {
  const change = make(records);
  if (records.length === 0 || fitsChange(kernel, change)) return change;
  return fitting(kernel, records.slice(0, Math.floor(records.length / 2)), make);
}
