import type { GrantStore } from '../../src/index.js';
import { verifyJournal } from '../../src/journal.js';
import { aChange, anEntry, aRow } from '../../src/testing.js';
import { ordersUntilWrong } from '../prove/schedules.js';
import { openStore, type Kind } from '../stores/durable/place.js';
import { startDurable } from '../stores/durable/servers.js';
import { Seeded } from '../stores/durable/seeded.js';
import { entriesOf } from '../stores/durable/verdict.js';
import type { Seeded as Bug } from './seeded.js';
import { STORE_BUGS } from './stores.js';

/** Where a race runs: two or three verbs in memory, in random orders; or two connections to one store. */
export type Where = 'schedules' | Kind;

/** A bug that shows only with two concurrent calls, and the race that must find it. */
export interface RaceBug extends Bug {
  readonly where: Where;
}

const among = (name: string, where: Where): RaceBug => {
  const bug = STORE_BUGS.find((one) => one.name === name);
  if (bug === undefined) throw new Error(`there is no bug ${name}`);
  return { ...bug, where };
};

export const RACE_BUGS: readonly RaceBug[] = [
  among('memory: a version is not compared', 'schedules'),
  {
    name: 'memory: only the first version is compared',
    file: 'stores/memory/store.ts',
    from: 'if (expect.some((key) =>',
    to: 'if (expect.slice(0, 1).some((key) =>',
    where: 'schedules',
  },
  {
    name: 'SQL: the transaction begins with the first write',
    file: 'stores/sql/session.ts',
    from: '    await ask(begin);\n    const result = await work(ask);\n',
    to: `    let begun: Promise<unknown> | undefined;
    const result = await work(async (statement, values) => {
      if (!['hold', 'hold_free', 'found'].includes(statement.name)) await (begun ??= ask(begin));
      return ask(statement, values);
    });
    await (begun ??= ask(begin));
`,
    where: 'sqlite',
  },
  among('SQL: the head is read without lock', 'postgres'),
  among('SQL: rows from before the lock wait are reused', 'postgres'),
];

/**
 * Runs a race until it goes wrong.
 *
 * @param repeats how often it is restarted, each time with other seeds
 * @param most tries after which it is given up
 * @returns for each repeat after how many tries it went wrong; 0: it did not
 */
export async function triesUntilWrong(where: Where, seed: number, repeats: number, most: number): Promise<readonly number[]> {
  const tries: number[] = [];
  if (where === 'schedules') {
    for (let i = 0; i < repeats; i++) tries.push(await ordersUntilWrong(seed + i, most));
    return tries;
  }
  const durable = await startDurable(where, { own: true });
  const [one, other] = await Promise.all([0, 1].map(() => openStore(durable.place, { namespace: durable.namespace() })));
  if (one === undefined || other === undefined) throw new Error('two were opened');
  try {
    for (let i = 0; i < repeats; i++) {
      const chance = new Seeded(seed, i);
      let [count, isWrong] = [0, false];
      while (!isWrong && count < most) {
        count += 1;
        const namespace = durable.namespace();
        isWrong = await meet([one.store.in(namespace), other.store.in(namespace)], where, chance);
      }
      tries.push(isWrong ? count : 0);
    }
    return tries;
  } finally {
    await one.close();
    await other.close();
    await durable.stop();
  }
}

/** Each of two changes reads both rows and writes another one of them, so one change must be refused. @returns whether it went wrong */
async function meet(stores: readonly [GrantStore, GrantStore], where: Kind, chance: Seeded): Promise<boolean> {
  const [first] = stores;
  const rows = ['a', 'b'].map((id) => aRow({ id, version: 1 }));
  const { namespace } = first;
  const entry = (id: string) => anEntry({ namespace, id });
  const absent = rows.map(({ kind, id }) => ({ kind, id, version: 0 }));
  await first.commit(aChange({ id: 'first', expect: absent, put: rows, append: [entry('first.1')] }));
  const expect = rows.map(({ kind, id, version }) => ({ kind, id, version }));
  const outcomes = await Promise.allSettled(
    stores.map(async (store, i) => {
      const row = rows[i] as (typeof rows)[number];
      // The second one appends nothing: of two entries with one number, the journal's key would refuse the second.
      const append = i === 0 ? [entry('c0.1')] : [];
      const change = aChange({ id: `c${i}`, expect, put: [{ ...row, version: 2 }], append });
      await later(where, chance);
      return store.commit(change);
    }),
  );
  const told = outcomes.map((one) => (one.status === 'fulfilled' ? one.value.outcome : 'rejected')).sort();
  const { start, head } = await first.journal({ after: 0, limit: 1 });
  const { ok } = await verifyJournal(await entriesOf(first), { start, head });
  return told.join() !== 'committed,conflict' || !ok;
}

/** The second call starts a little later. A file answers within the same turn of the event loop; a server takes many turns. */
async function later(where: Kind, chance: Seeded): Promise<void> {
  const [steps, turns] = where === 'sqlite' ? [chance.below(400), 0] : [0, chance.below(200)];
  for (let i = 0; i < steps; i++) await Promise.resolve();
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}
