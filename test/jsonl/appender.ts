import { jsonLinesSink } from '../../src/jsonl.js';
import { GENESIS, link } from '../../src/journal/link.js';
import { unlinked } from '../journal/sample.js';

// A separate process that writes a journal in batches, and reports what has been acknowledged.
const [path, namespace, batches] = process.argv.slice(2) as [string, string, string];
const sink = jsonLinesSink({ path });
let head = GENESIS;
for (let i = 0; i < Number(batches); i++) {
  const entries = link(
    head,
    [1, 2, 3].map((n) => unlinked(head.seq + n, { namespace, data: { filler: 'x'.repeat(2_000) } })),
  );
  await sink.write(entries);
  head = entries[2]!;
  process.stdout.write(`${head.seq}\n`);
}
