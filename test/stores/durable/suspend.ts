import { isBusy } from '../../../src/stores/sql/failures.js';
import { SqliteFile } from '../sql/sqlite.js';
import type { Place } from './place.js';
import { spin } from './spin.js';
import type { Worker } from './workers.js';

/** At any moment; for SQLite a moment at which it holds no lock, as no server releases the lock of a file. */
export async function suspend(worker: Worker, { kind, where }: Place): Promise<void> {
  worker.suspend();
  await worker.stopped();
  while (kind === 'sqlite' && isLocked(where)) {
    worker.resume();
    spin(500);
    worker.suspend();
    await worker.stopped();
  }
}

function isLocked(path: string): boolean {
  const handle = SqliteFile.at(path);
  try {
    handle.exec('begin immediate');
    handle.exec('rollback');
    return false;
  } catch (error) {
    if (!isBusy(error)) throw error;
    return true;
  } finally {
    handle.close();
  }
}
