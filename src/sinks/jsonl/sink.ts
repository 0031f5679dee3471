/// <reference types="node" />
import { constants, lstatSync } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ClosedError } from '../../core/errors.js';
import { invalid, readCount, readId, readOptions } from '../../core/parse.js';
import type { AuditSink } from '../../core/ports.js';
import type { AuditEntry } from '../../records/index.js';
import { toLine, TORN } from './line.js';

export interface JsonLinesSinkOptions {
  /** The file to append to. Its folder must exist. A relative path is resolved once, when the sink is made. */
  readonly path: string;
  /**
   * Identifies the destination. Default: `jsonl:` and the absolute path. Processes that use one name share one cursor, so each
   * entry goes to one of them. If every machine keeps its own file, give each sink its own name.
   */
  readonly name?: string | undefined;
  /** The permissions of a new file. Default: 0o600. */
  readonly mode?: number | undefined;
}

/** A sink that keeps the journal in a file. */
export interface JsonLinesSink extends AuditSink {
  write(entries: readonly AuditEntry[]): Promise<void>;
  /** Waits for the writes that have begun. Later writes reject with `ERR_JIT_CLOSED`. No file stays open. */
  close(): Promise<void>;
}

/**
 * Keeps the journal in a file, one canonical JSON line for each entry. Read it with `readJsonLines`.
 *
 * Guarantees:
 * - When `write` has resolved, the lines are on the disk: the sink has called fsync for the file and, if it is new, its folder.
 * - Lines are in order, complete and never mixed, also when several processes append to one file of a local file system. A batch
 *   is one write to a file that is opened for appending.
 * - Each entry is written at least once. A line that a crash cut short is closed by `#torn`, and the entry is written again. The
 *   reader omits the torn line and exact repeats.
 * - The file is opened by its path for each batch, so rotation needs no signal. If the file is renamed during a batch, the lines
 *   are in the renamed file. If it is deleted during a batch, they are written again to a new file.
 * - The sink refuses a symbolic link at `path`, so that no other user can direct the lines to another file.
 *
 * Gotcha: rotate by renaming. `copytruncate` loses the lines that are written between the copy and the truncation;
 * `verifyJournal` then names the first missing entry. If you compress rotated files, delay the compression by one rotation.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, also when `path` exists and is not a regular file
 * @example
 * const engine = new JitEngine({ store, approver, audit: jsonLinesSink({ path: '/var/log/jit/journal.jsonl' }) });
 */
export function jsonLinesSink(options: JsonLinesSinkOptions): JsonLinesSink {
  const { path: given, name, mode = 0o600 } = readOptions('options', options, ['path', 'name', 'mode']);
  if (typeof given !== 'string' || given === '' || given.includes('\0')) throw invalid('path', 'the path of a file', given);
  const path = resolve(given);
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === false)
    throw invalid('path', 'the path of a regular file, or of none yet; a symbolic link is not followed', path);
  const permissions = readCount('mode', mode, 0, 0o777);

  let last: Promise<unknown> = Promise.resolve();
  let closed = false;
  return Object.freeze({
    name: readId('name', name === undefined ? `jsonl:${path}` : name),
    follow: 'shared',
    async write(entries: readonly AuditEntry[]): Promise<void> {
      if (closed) throw new ClosedError('sink');
      const batch = entries.map(toLine).join('');
      // Engines of several namespaces may share this sink: one batch after the other.
      const writing = last.then(() => append(path, permissions, batch));
      last = writing.catch(() => undefined);
      return writing;
    },
    async close(): Promise<void> {
      closed = true;
      await last;
    },
  });
}

/**
 * No file stays open between batches. After a failed fsync the same handle would report success for pages that were never written.
 * A handle that is kept through a rotation writes to the old file.
 */
async function append(path: string, mode: number, batch: string): Promise<void> {
  for (;;) {
    const file = await openToAppend(path, mode);
    try {
      const { size } = await file.stat();
      const bytes = Buffer.from((await isTorn(file, size)) ? `${TORN}\n${batch}` : batch);
      const { bytesWritten } = await file.write(bytes);
      if (bytesWritten < bytes.length) throw new Error(`only ${bytesWritten} of ${bytes.length} bytes could be written to ${path}`);
      await file.sync();
      if (size === 0) await syncFolder(dirname(path));
      if (!(await isDeleted(file, path))) return;
    } finally {
      await file.close();
    }
  }
}

/** The flags of `a+`, and `O_NOFOLLOW`, which refuses links. Windows lacks it. */
const APPEND = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | ((constants as { O_NOFOLLOW?: number }).O_NOFOLLOW ?? 0);

/** A link in the file's place must not direct the lines to another file. */
async function openToAppend(path: string, mode: number): Promise<FileHandle> {
  try {
    return await open(path, APPEND, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ELOOP') throw error;
    throw new Error(`${path} is a symbolic link, which jsonLinesSink does not follow: give the path of the file itself`, { cause: error });
  }
}

/** Whether the last line is incomplete. Read for each batch: another process may have died during its write. */
async function isTorn(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return bytesRead === 1 && buffer[0] !== 0x0a;
}

/** Whether the file was deleted with the lines in it. A file system that does not count links shows none for a file at its path. */
async function isDeleted(file: FileHandle, path: string): Promise<boolean> {
  const { nlink, ino, dev } = await file.stat({ bigint: true });
  if (nlink > 0n) return false;
  const there = await stat(path, { bigint: true }).catch(() => undefined);
  return there?.ino !== ino || there.dev !== dev;
}

/** The name of a new file lies in its folder and must reach the disk, too. Windows cannot sync a folder. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
