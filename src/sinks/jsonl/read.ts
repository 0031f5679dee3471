/// <reference types="node" />
import { createReadStream } from 'node:fs';
import { CorruptError } from '../../core/errors.js';
import { invalid } from '../../core/parse.js';
import { fromUtf8 } from '../../core/utf8.js';
import type { AuditEntry } from '../../records/index.js';
import { parseLine, TORN } from './line.js';

/** Longer than any entry. Without a bound, a file without line breaks would be read into memory whole. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * The entries that `jsonLinesSink` wrote, for `verifyJournal`. A caller may iterate over them more than once.
 *
 * It omits exact repeats (the same seq and hash), and a line that a crash cut short. A line that was cut after its last
 * character is complete and counts. Every other line must be an entry: the iteration throws at a malformed line, and
 * `verifyJournal` finds an edited entry. It keeps the hash of every entry in memory, about 150 bytes each.
 *
 * @param path a file, or rotated files from the oldest to the newest
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @throws CorruptError `ERR_JIT_CORRUPT` during the iteration, with `file:line` as its `id`
 * @throws the errors of `node:fs`, unchanged, during the iteration
 * @example
 * await verifyJournal(readJsonLines(['journal.jsonl.1', 'journal.jsonl']), { head });
 */
export function readJsonLines(path: string | readonly string[]): AsyncIterable<AuditEntry> {
  const given: readonly unknown[] = typeof path === 'string' ? [path] : path;
  if (!Array.isArray(given) || given.length === 0) throw invalid('path', 'a path or a list of paths', path);
  const paths = Array.from(given, (item: unknown, i) => {
    if (typeof item !== 'string' || item === '') throw invalid(`path[${i}]`, 'the path of a file', item);
    return item;
  });
  return { [Symbol.asyncIterator]: () => readEntries(paths) };
}

async function* readEntries(paths: readonly string[]): AsyncGenerator<AuditEntry, void, undefined> {
  const seqOf = new Map<string, number>();
  for (const path of paths) {
    let count = 0;
    for await (const { bytes, ended } of readLines(path)) {
      const entry = readEntry(bytes, ended, `${path}:${++count}`);
      if (entry === undefined || seqOf.get(entry.hash) === entry.seq) continue;
      seqOf.set(entry.hash, entry.seq);
      yield entry;
    }
  }
}

interface Line {
  readonly bytes: Buffer;
  /** False: the file ends without a line break. */
  readonly ended: boolean;
}

/** `undefined`: the line was never completed. */
function readEntry(bytes: Buffer, ended: boolean, place: string): AuditEntry | undefined {
  const torn = bytes.subarray(-TORN.length).toString('latin1') === TORN;
  const read = decode(torn ? bytes.subarray(0, -TORN.length) : bytes);
  if (!('problem' in read)) return read;
  if (torn || !ended) return undefined;
  throw new CorruptError('journal line', place, read.problem);
}

function decode(bytes: Buffer): ReturnType<typeof parseLine> {
  try {
    return parseLine(fromUtf8(bytes));
  } catch {
    return { problem: 'is not UTF-8' };
  }
}

/** Splits at line feeds only: JSON texts may contain other characters that some readers treat as line ends. */
async function* readLines(path: string): AsyncGenerator<Line, void, undefined> {
  let begun: Buffer[] = [];
  let length = 0;
  let count = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      yield { bytes: Buffer.concat([...begun, chunk.subarray(from, end)]), ended: true };
      count += 1;
      begun = [];
      length = 0;
      from = end + 1;
    }
    if (from === chunk.length) continue;
    begun.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > MAX_LINE_BYTES) throw new CorruptError('journal line', `${path}:${count + 1}`, 'is longer than 16 MiB');
  }
  if (length > 0) yield { bytes: Buffer.concat(begun), ended: false };
}
