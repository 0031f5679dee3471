import { JitEngine, MemoryGrantStore, patternScopes, startSweeper, systemClock } from '../../index.js';
import { journalHead } from '../../journal.js';
import { openDatabase, type DevDatabase } from './database.js';
import { writeHistory } from './example/history.js';
import { policy } from './example/people.js';
import { serveDev } from './server.js';

const NEXT = 'Next, with your own code: npm install jit-access, and follow docs/start/quickstart.md of the package.\n';

/** What `dev` takes from its command line. */
export interface DevOptions {
  /** Default: one that is free. */
  readonly port?: number;
  /** The file of a database. Default: all is in memory. */
  readonly sqlite?: string;
}

/** Where `dev` writes, and what ends it. */
export interface DevTerminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly stop: AbortSignal;
}

/**
 * Serves an example until `stop` aborts: the API and the console over six people and a month of history.
 *
 * @throws DatabaseRefused, and the error of `listen`
 */
export async function runDev({ port, sqlite }: DevOptions, { out, err, stop }: DevTerminal): Promise<void> {
  const onError = (error: unknown, during?: string) => err(`${during ?? 'sweep'}: ${String(error)}\n`);
  const database: DevDatabase =
    sqlite === undefined ? { store: new MemoryGrantStore(), close: () => Promise.resolve() } : await openDatabase(sqlite);
  const { store } = database;
  const engine = new JitEngine({ store, approver: policy(), scopes: patternScopes, recordUse: true, onError });
  try {
    if ((await journalHead(engine)).seq === 0) await writeHistory(store, systemClock.now());
    const server = await serveDev(engine, port, onError, (next) => out(`Opened. For another browser:\n\n  ${next}\n\n`));
    const sweeper = startSweeper(engine, { every: '10s', onError });
    out(`jit-access dev: an example with six people. It is only for this machine, and ends with Ctrl-C.\n\n  ${server.address}\n\n${NEXT}`);
    await new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      stop.addEventListener('abort', () => resolve());
    });
    await sweeper.stop();
    const closed = server.close();
    await engine.close();
    await closed;
  } finally {
    await engine.close();
    await database.close();
  }
}
