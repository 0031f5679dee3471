/*
 * What a live view of many grants costs the process that checks: its bytes, and how long its first load keeps the process busy. The store
 * answers from memory, so the time of a database and of a network comes on top. Run by `npm run bench:views`.
 *
 *   JIT_BENCH_GRANTS=100000    how many live grants; default 1,000,000
 */
import { createView, type ViewOptions } from 'jit-access/view';
import { weighed } from './measure/memory.js';
import { rowSource } from './measure/row-source.js';
import { machine, markdown } from './measure/table.js';
import { liveGrants } from './measure/world.js';

const GRANTS = Number(process.env['JIT_BENCH_GRANTS'] ?? 1_000_000);

const settings: readonly (readonly [string, Pick<ViewOptions, 'keep'>, number])[] = [
  ["`keep: 'nothing'`, ten grants a subject", { keep: 'nothing' }, 10],
  ["`keep: 'nothing'`, one grant a subject", { keep: 'nothing' }, 1],
  ["`keep: 'ids'`, ten grants a subject", { keep: 'ids' }, 10],
  ["`keep: 'ids'`, one grant a subject", { keep: 'ids' }, 1],
];

const rows: string[][] = [];
for (const [name, options, perSubject] of settings) {
  const cpu = process.cpuUsage();
  const { made: view, bytes } = await weighed(async () => {
    const loaded = createView({ store: rowSource(liveGrants(GRANTS, perSubject)), load: 'all', maxStaleMs: 3_600_000, ...options });
    await loaded.refresh();
    return loaded;
  });
  const { user, system } = process.cpuUsage(cpu);
  const [held] = liveGrants(1, perSubject);
  if (held === undefined || !view.isAllowed(held.subject, held.scope)) throw new Error(`${name}: the view holds nothing`);
  rows.push([name, `${Math.round(bytes / GRANTS)} B`, `${Math.round(bytes / 1e6)} MB`, `${((user + system) / 1e6).toFixed(1)} s`]);
  view.close();
}
console.log(`${machine()}\n\n${markdown(['view', 'a grant', `${GRANTS.toLocaleString('en')} grants`, 'CPU of the first load'], rows)}`);
