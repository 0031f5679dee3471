import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileHandle } from 'node:fs/promises';
import { afterEach, beforeEach, vi } from 'vitest';
import { readJsonLines } from '../../src/jsonl.js';
import type { AuditEntry } from '../../src/records/index.js';

/** A new folder for each test, which is removed after it. */
export function useFolder(): (name: string) => string {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jit-jsonl-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  return (name) => join(folder, name);
}

/**
 * Wraps every call of a method of file handles until mocks are restored. The sink imports `node:fs/promises` itself,
 * and accepts no replacement, so the prototype of all handles is patched.
 */
export async function aroundHandles(
  method: 'write' | 'sync' | 'stat' | 'read',
  around: (call: () => Promise<unknown>, file: FileHandle) => Promise<unknown>,
): Promise<void> {
  const file = await open(tmpdir(), 'r');
  await file.close();
  const prototype = Object.getPrototypeOf(file) as FileHandle;
  const original = Reflect.get(prototype, method) as (...args: unknown[]) => Promise<unknown>;
  vi.spyOn(prototype, method).mockImplementation(function (this: FileHandle, ...args: unknown[]) {
    return around(() => Reflect.apply(original, this, args), this) as never;
  });
}

export async function readAll(path: string | readonly string[]): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for await (const entry of readJsonLines(path)) entries.push(entry);
  return entries;
}

export const failure = (code: string): Error => Object.assign(new Error(`${code}: write`), { code });
