import { readJournal, verifyJournal } from 'jit-access/journal';
import { close, engine, store } from './access.js';

const now = Date.now();
const { items } = await engine.listGrants({
  covering: 'orders:release',
  during: { from: now - 24 * 3_600_000, to: now },
});
for (const { subject, status, end } of items)
  console.log(`${subject} had access; now ${status} (${end?.reason})`);

const { ok } = await verifyJournal(readJournal(store));
console.log(`journal verified: ${ok}`);
await close();
