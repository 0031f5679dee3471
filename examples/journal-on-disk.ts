import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  autoApprove,
  callbackSink,
  JitEngine,
  MemoryGrantStore,
} from 'jit-access';
import { journalHead, verifyJournal } from 'jit-access/journal';
import { jsonLinesSink, readJsonLines } from 'jit-access/jsonl';

async function main() {
  const folder = await mkdtemp(join(tmpdir(), 'jit-access-'));
  const path = join(folder, 'journal.jsonl');

  const engine = new JitEngine({
    store: new MemoryGrantStore(),
    approver: autoApprove((request) =>
      request.scopes.every((scope) => scope.startsWith('staging:')),
    ),
    audit: [
      jsonLinesSink({ path }),
      // A sink of your own is a name and a function. It gets every entry
      // at least once, in order: drop repeats by `id`.
      callbackSink('pager', (entries) => {
        for (const entry of entries)
          if (entry.type === 'grant.issued')
            console.log(`page: ${entry.actor} issued ${entry.grantId}`);
      }),
    ],
  });

  const asked = await engine.requestAccess({
    subject: 'agent:7',
    scope: 'staging:deploy',
    ttl: '5m',
    idempotencyKey: 'deploy-42',
  });
  if (asked.outcome === 'granted')
    for (const grant of asked.grants)
      await engine.release(grant.id, { by: 'agent:7' });
  // true: both sinks have everything
  console.log((await engine.flushAudit()).caughtUp);

  // Keep the head where a person who can change the file cannot change it:
  // it makes a truncation visible.
  const head = await journalHead(engine);
  // true
  console.log((await verifyJournal(readJsonLines(path), { head })).ok);

  const text = await readFile(path, 'utf8');
  await writeFile(
    path,
    text.replace('"actor":"agent:7"', '"actor":"agent:8"'),
  );
  // { ok: false, seq: 1, problem: ... }
  console.log(await verifyJournal(readJsonLines(path), { head }));

  await engine.close();
  await rm(folder, { recursive: true });
}

void main();
