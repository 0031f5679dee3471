import { builtinModule } from '../../core/builtin.js';
import { StoreError } from '../../core/errors.js';

/** Identifies a file independently of its name: its device, and its inode number there. */
interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
}

type Stat = (path: string, options: { readonly bigint: true; readonly throwIfNoEntry: false }) => Identity | undefined;

/** Node's `statSync`, or `undefined` in a runtime without Node's file system. */
function fileStat(): Stat | undefined {
  return (builtinModule('node:fs') as { readonly statSync?: Stat } | undefined)?.statSync;
}

/**
 * The file of a SQLite database, as it was at the first query.
 *
 * SQLite keeps using a file that was deleted or replaced. This process would then allow access that other processes revoked
 * in the new file, and its own commits would be lost (L41).
 */
export class DatabaseFile {
  readonly path: string;
  readonly #stat: Stat;
  readonly #identity: Identity;

  private constructor(path: string, stat: Stat, identity: Identity) {
    this.path = path;
    this.#stat = stat;
    this.#identity = identity;
  }

  /** @returns `undefined` for an in-memory database, a database on another machine, and a runtime without a file system */
  static at(path: unknown): DatabaseFile | undefined {
    const stat = fileStat();
    if (stat === undefined || typeof path !== 'string' || path === '') return undefined;
    const identity = identityOf(stat, path);
    return identity && new DatabaseFile(path, stat, identity);
  }

  isSameAs(other: DatabaseFile): boolean {
    return areSame(this.#identity, other.#identity);
  }

  /** @throws StoreError when the path now leads to another file, or to none */
  refuseIfReplaced(): void {
    const now = identityOf(this.#stat, this.path);
    if (now !== undefined && areSame(now, this.#identity)) return;
    const what = now === undefined ? 'deleted' : 'replaced';
    throw new StoreError(
      'file',
      `the database file ${this.path} was ${what} while this process had it open. Open it again and create a new store`,
    );
  }
}

function identityOf(stat: Stat, path: string): Identity | undefined {
  try {
    return stat(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

const areSame = (a: Identity, b: Identity): boolean => a.dev === b.dev && a.ino === b.ino;
