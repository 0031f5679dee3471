/**
 * Waits for all reads of a run, also after one has failed. A read that answered after the end of its run would replace newer rows: an
 * entry that ends a grant is applied once, so nothing would remove the grant again.
 *
 * @throws the first error
 */
export async function finishReads(reads: readonly Promise<unknown>[]): Promise<void> {
  for (const read of await Promise.allSettled(reads)) if (read.status === 'rejected') throw read.reason;
}
