import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { jsonLinesSink, readJsonLines } from '../../src/jsonl.js';
import { GENESIS, link } from '../../src/journal/link.js';
import { verifyJournal } from '../../src/journal/verify.js';
import { anchorOf, unlinked } from '../journal/sample.js';
import { readAll, useFolder } from './folder.js';

const at = useFolder();
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

function appender(path: string, namespace: string, batches: number): ChildProcess {
  const script = fileURLToPath(new URL('appender.ts', import.meta.url));
  const args = ['--import', 'tsx', script, path, namespace, String(batches)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  running.push(child);
  return child;
}

const linesOf = (child: ChildProcess) => createInterface({ input: child.stdout! });

describe('jsonLinesSink() in several processes', () => {
  it('keeps lines whole, and the order of each process', async () => {
    const path = at('journal.jsonl');
    const children = ['tenant-a', 'tenant-b'].map((namespace) => appender(path, namespace, 60));
    for (const child of children) child.stdout!.resume();
    await Promise.all(children.map((child) => once(child, 'exit')));
    const entries = await readAll(path);
    for (const namespace of ['tenant-a', 'tenant-b']) {
      const own = entries.filter((entry) => entry.namespace === namespace);
      expect(await verifyJournal(own)).toMatchObject({ ok: true, count: 180 });
    }
  });

  it('L28 loses no line that was acknowledged before kill -9, and appends after the last one', async () => {
    const path = at('journal.jsonl');
    const child = appender(path, 'default', 100_000);
    let acknowledged = 0;
    for await (const line of linesOf(child)) {
      acknowledged = Number(line);
      if (acknowledged === 30) child.kill('SIGKILL');
    }
    const before = await readAll(path);
    expect(before.length).toBeGreaterThanOrEqual(acknowledged);
    expect(await verifyJournal(before)).toMatchObject({ ok: true });

    // The cursor moves after the acknowledgement: later entries are delivered again, here with one more batch.
    const cursor = before[acknowledged - 1]!;
    const again = [...before.slice(acknowledged), ...link(before.at(-1) ?? GENESIS, [unlinked(1), unlinked(2)])];
    await jsonLinesSink({ path }).write(again);
    const verdict = await verifyJournal(readJsonLines(path), { head: anchorOf(cursor) });
    expect(verdict).toMatchObject({ ok: true, count: before.length + 2 });
  });
});
