import { purge } from 'jit-access/retention';
import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import { EntryRefusedError, type AuditEntry, type AuditSink, type JitEngine } from '../../src/index.js';
import type { Change } from '../../src/store.js';
import { aChange, anEntry } from '../../src/testing.js';
import { anEngine, at, MAYA, SAM, SCOPE } from '../engine/an-engine.js';
import { CONFLICT } from '../commit-answers.js';

type Answer = 'accepts' | 'refuses' | 'fails';

async function turns(n = 30): Promise<void> {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
}

const isWithheld = ({ data }: AuditEntry): boolean => data['withheld'] === true;
const nameOf = (entry: AuditEntry): string => `${entry.seq}${isWithheld(entry) ? ' withheld' : ''}`;

/** An engine whose only sink answers each entry as `answer` does. `writes` and `taken` name the entries by their seq. */
function aDestination(follow: 'shared' | 'local', options: Parameters<typeof anEngine>[0] = {}) {
  const writes: string[][] = [];
  const taken: string[] = [];
  const destination = { answer: (_: AuditEntry): Answer => 'accepts' };
  const sink: AuditSink = {
    name: 'siem',
    follow,
    write: (page) => {
      writes.push(page.map(nameOf));
      // Ends a delivery that would never end.
      if (writes.length > 100) return;
      for (const entry of page) {
        const answer = destination.answer(entry);
        if (answer === 'refuses') throw new EntryRefusedError(entry.id, '422');
        if (answer === 'fails') throw new Error('503');
      }
      taken.push(...page.map(nameOf));
    },
  };
  return { ...anEngine({ ...options, audit: sink }), sink, destination, writes, taken };
}

/** Appends entries in one commit, and lets the follower deliver them. */
async function append({ engine, store }: Pick<ReturnType<typeof anEngine>, 'engine' | 'store'>, entries: number): Promise<void> {
  // A follower watches the store from the first use of its engine on, and a local one begins there.
  await engine.isAllowed(MAYA, SCOPE);
  await turns();
  const { seq } = await journalHead(engine);
  await store.commit(aChange({ append: Array.from({ length: entries }, (_, i) => anEntry({ id: `e${seq + i + 1}` })) }));
  await turns();
}

async function flush(engine: JitEngine, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await engine.flushAudit();
}

async function sweep(engine: JitEngine): Promise<void> {
  await engine.sweep();
  await turns();
}

/** The destination has refused the first entry five times, and then its withheld form. */
async function aRefusedForm(follow: 'shared' | 'local') {
  const world = aDestination(follow);
  world.destination.answer = () => 'refuses';
  await append(world, 1);
  await flush(world.engine, 5);
  expect(world.writes.splice(0)).toEqual([['1'], ['1'], ['1'], ['1'], ['1'], ['1 withheld']]);
  return world;
}

describe.each(['shared', 'local'] as const)('a destination that refuses entries (%s)', (follow) => {
  it('L37 is sent a refused entry once in a delivery, until it has accepted a withheld form in that delivery', async () => {
    const { engine, store, destination, writes } = aDestination(follow);
    destination.answer = (entry) => (isWithheld(entry) ? 'accepts' : 'refuses');
    await append({ engine, store }, 1);
    expect(writes.splice(0)).toEqual([['1']]);
    await flush(engine, 5);
    expect(writes.splice(0).at(-1)).toEqual(['1 withheld']);
    await append({ engine, store }, 1);
    expect(writes).toEqual([['2']]);
  });

  it('L37 delays no entry after the refused one: they arrive in one page, and no entry counts as refused any more', async () => {
    const { engine, store, destination, writes } = aDestination(follow);
    destination.answer = (entry) => (entry.seq === 1 && !isWithheld(entry) ? 'refuses' : 'accepts');
    await append({ engine, store }, 3);
    await flush(engine, 4);
    expect(await engine.flushAudit()).toMatchObject({ caughtUp: true });
    expect(writes.slice(-2)).toEqual([['1 withheld'], ['2', '3']]);
    const { followers } = await engine.flushAudit();
    expect(followers).toEqual([{ name: 'siem', seq: 3, behind: 0, error: undefined, refused: undefined }]);
  });

  it('L37 is sent nothing for a minute after it has refused the withheld form', async () => {
    const { engine, clock, writes, told } = await aRefusedForm(follow);
    told.length = 0;
    await clock.set(at(59_999));
    await sweep(engine);
    expect(writes).toEqual([]);
    expect(told).toMatchObject([
      { error: { message: expect.stringContaining('sink siem waits until 2026-01-01T00:01:00.000Z') as string } },
    ]);
    await clock.set(at(60_000));
    await sweep(engine);
    expect(writes).toEqual([['1'], ['1 withheld']]);
  });

  it('L37 is sent the entry by a flush at once, whole and then withheld, and receives the form that it accepts', async () => {
    const withheld = await aRefusedForm(follow);
    withheld.destination.answer = (entry) => (isWithheld(entry) ? 'accepts' : 'refuses');
    expect(await withheld.engine.flushAudit()).toMatchObject({ caughtUp: true });
    expect([withheld.writes, withheld.taken]).toEqual([[['1'], ['1 withheld']], ['1 withheld']]);
    const whole = await aRefusedForm(follow);
    whole.destination.answer = () => 'accepts';
    expect(await whole.engine.flushAudit()).toMatchObject({ caughtUp: true });
    expect([whole.writes, whole.taken]).toEqual([[['1']], ['1']]);
  });

  it('L28 is sent no withheld form while it fails for another reason', async () => {
    const { engine, destination, writes } = await aRefusedForm(follow);
    destination.answer = () => 'fails';
    const { followers } = await engine.flushAudit();
    expect(writes).toEqual([['1']]);
    expect(followers).toMatchObject([{ error: { message: '503' }, refused: { seq: 1, count: 6 } }]);
  });

  it('L37 is reported as failing with the error of the refused withheld form', async () => {
    const { told } = await aRefusedForm(follow);
    const failing = told.map(({ error }) => error as Error).filter(({ message }) => message.includes('is failing'));
    expect(failing).toMatchObject([{ cause: { name: 'EntryRefusedError', message: expect.stringContaining('422') as string } }]);
  });

  it('L37 is not sent an entry again in the same flush after it has refused its withheld form', async () => {
    const { engine, store, destination, writes } = aDestination(follow);
    destination.answer = (entry) => (entry.seq === 1 && isWithheld(entry) ? 'accepts' : 'refuses');
    await append({ engine, store }, 2);
    await flush(engine, 4);
    writes.length = 0;
    expect(await engine.flushAudit()).toMatchObject({ caughtUp: false, followers: [{ seq: 1, refused: { seq: 2, count: 6 } }] });
    expect(writes).toEqual([['1 withheld'], ['2'], ['2'], ['2'], ['2'], ['2'], ['2 withheld']]);
  });
});

describe('a shared sink whose destination refuses entries', () => {
  it('L37 waits in every process, also in one that starts during the wait', async () => {
    const { store, clock, writes, sink } = await aRefusedForm('shared');
    const { engine } = anEngine({ store, clock, audit: sink });
    await sweep(engine);
    expect(writes).toEqual([]);
  });

  it.each(['fails', 'conflicts'])('L28 stops the delivery when the write that counts a refusal %s', async (how) => {
    const { engine, store, destination, writes } = aDestination('shared');
    destination.answer = (entry) => (isWithheld(entry) ? 'accepts' : 'refuses');
    await append({ engine, store }, 2);
    await flush(engine, 4);
    writes.length = 0;
    const commit = store.commit.bind(store);
    const counts = ({ put: [row] }: Change) => row?.kind === 'cursor' && (row.body['refused'] as { seq?: number } | undefined)?.seq === 2;
    store.commit = async (change) => {
      if (!counts(change)) return commit(change);
      if (how === 'fails') throw new Error('ECONNRESET');
      return CONFLICT;
    };
    const { followers } = await engine.flushAudit();
    expect(writes).toEqual([['1 withheld'], ['2']]);
    expect(followers).toMatchObject([{ seq: 1, error: { name: 'EntryRefusedError' } }]);
    store.commit = commit;
    // Its own lease does not stop it.
    expect(await engine.flushAudit()).toMatchObject({ followers: [{ seq: 1, refused: { seq: 2, count: 1 } }] });
  });

  it('L28 keeps a row without refusals while the destination accepts everything', async () => {
    const { engine, store } = aDestination('shared');
    await append({ engine, store }, 1);
    const [row] = await store.get([{ kind: 'cursor', id: 'siem' }]);
    expect(row?.body).toEqual({ seq: 1, leasedUntil: 0, owner: expect.any(String) as string });
  });
});

describe('a local sink whose destination refuses an entry', () => {
  it('L28 does not wait for that entry after a purge has removed it', async () => {
    const { engine, store, clock, destination, taken, told } = await aRefusedForm('local');
    const other = anEngine({ store, clock }).engine;
    await clock.set(at(1_000));
    await purge(other, { before: at(1_000), by: SAM, force: true });
    destination.answer = () => 'accepts';
    told.length = 0;
    await sweep(engine);
    expect(taken).toEqual(['2', '3']);
    expect(told).toMatchObject([{ error: { message: 'a purge took entries 1 to 1 before sink siem received them' } }]);
  });
});
