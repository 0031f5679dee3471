import { provision } from 'jit-access/provisioning';
import { describe, expect, it, vi } from 'vitest';
import type { Row } from '../../src/store.js';
import { kernelOf } from '../../src/kernel/kernel-of.js';
import { aChange, aRow, ScriptedApprover, throws } from '../../src/testing.js';
import { aGranted, anEngine, aPending, ask, at, MAYA, MINUTE, refusal, SCOPE } from './an-engine.js';

const END = 15 * MINUTE;

/** A row of a feature that is due from the beginning, before all other rows. Its body is malformed. */
const dueRow = (i: number, over: Partial<Row> = {}): Row =>
  aRow({ kind: 'provisioning', id: `e${i}`, from: undefined, until: undefined, sortAt: undefined, dueAt: at(i % 5), ...over });

type Store = ReturnType<typeof anEngine>['store'];

async function put(store: Store, rows: readonly Row[]): Promise<void> {
  for (let i = 0; i < rows.length; i += 50) {
    const chunk = rows.slice(i, i + 50);
    const expected = chunk.map(({ kind, id }) => ({ kind, id, version: 0 }));
    expect((await store.commit(aChange({ id: `outside-${i}`, expect: expected, put: chunk, append: [] }))).outcome).toBe('committed');
  }
}

/** Handles the due rows of provisioning, in place of provisioning itself. */
function handling(engine: ReturnType<typeof anEngine>['engine'], handle: (due: readonly string[]) => number = () => 0) {
  const spy = vi.fn(handle);
  kernelOf(engine).onDue('provisioning', { decode: ({ id }) => id, handle: spy });
  return spy;
}

describe('a sweep over due rows of features', () => {
  it('counts rows without a handler as unhandled, and neither decodes nor reports them', async () => {
    const { engine, clock, store, told } = anEngine();
    await put(store, [dueRow(1), dueRow(2)]);
    await clock.set(at(10));
    expect(await engine.sweep()).toMatchObject({ unhandled: 2, skipped: 0 });
    expect(told).toEqual([]);
  });

  it('reports and skips rows of an unknown kind', async () => {
    const { engine, clock, store, told } = anEngine();
    await put(store, [dueRow(1), dueRow(2, { kind: 'gadget' })]);
    await clock.set(at(10));
    expect(await engine.sweep()).toMatchObject({ unhandled: 1, skipped: 1 });
    expect(told).toMatchObject([{ during: 'sweep', error: { code: 'ERR_JIT_CORRUPT' } }]);
  });

  it('reports and skips a malformed row whose kind has a handler', async () => {
    const { engine, clock, store, told } = anEngine();
    provision(engine, { name: 'roles', scopes: [SCOPE], apply: () => undefined });
    await put(store, [dueRow(1)]);
    await clock.set(at(10));
    expect(await engine.sweep()).toMatchObject({ unhandled: 0, skipped: 1 });
    expect(told).toMatchObject([{ during: 'sweep', error: { code: 'ERR_JIT_CORRUPT' } }]);
  });

  it('calls each handler at the end of every pass, also with an empty list, and after a failed pass', async () => {
    const { engine, clock, store } = anEngine();
    const handle = handling(engine);
    await engine.sweep();
    await put(store, [dueRow(1), dueRow(2)]);
    await clock.set(at(10));
    await engine.sweep();
    store.inject('due', { fault: 'reject' });
    await refusal(engine.sweep(), 'ERR_JIT_STORE');
    expect(handle.mock.calls).toEqual([[[]], [['e1', 'e2']], [[]]]);
  });

  it('reports a handler that throws, and continues', async () => {
    const approver = new ScriptedApprover({ decide: throws(new Error('down')) });
    const { engine, clock, store, told } = anEngine({ approver, limits: { retryAfter: 1000 } });
    await refusal(ask(engine), 'ERR_JIT_APPROVER');
    const broken = new Error('a handler that is broken');
    handling(engine, () => {
      throw broken;
    });
    await put(store, [dueRow(1)]);
    await clock.set(at(1000));
    expect(await engine.sweep()).toMatchObject({ asked: 1 });
    expect(told).toContainEqual({ during: 'sweep', error: broken });
  });

  it('records the ends and deadlines that are due after 3,000 rows without a handler, and yields to other work in between (L42)', async () => {
    const { engine, clock, store, told } = anEngine({ limits: { reviewWithin: END } });
    await aGranted(engine);
    await aPending(engine, { subject: 'user:kim' });
    await put(
      store,
      Array.from({ length: 3_000 }, (_, i) => dueRow(i)),
    );
    await clock.set(at(END));
    const due = vi.spyOn(store, 'due');
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    expect(await engine.sweep()).toMatchObject({ ended: 1, expired: 1, unhandled: 3_000, skipped: 0 });
    isOver = true;
    expect(due.mock.calls.length).toBe(31);
    expect(turns).toBeGreaterThan(20);
    expect(told).toEqual([]);
  });

  it('leaves and counts the changes of a target that this process does not have', async () => {
    const { engine: other, clock, store } = anEngine();
    provision(other, { name: 'roles', scopes: [SCOPE], apply: () => Promise.reject(new Error('down')) });
    await aGranted(other);
    await other.flushAudit();
    await clock.set(at(MINUTE));
    const { engine } = anEngine({ store, clock });
    expect(await engine.sweep()).toMatchObject({ unhandled: 1 });
    provision(engine, { name: 'rules', scopes: [SCOPE], apply: () => undefined });
    expect(await engine.sweep()).toMatchObject({ unhandled: 1 });
    provision(engine, { name: 'roles', scopes: [SCOPE], apply: () => undefined });
    expect(await engine.sweep()).toMatchObject({ unhandled: 0 });
  });

  it('repeats a failed change only after its wait', async () => {
    const { engine, clock, store } = anEngine();
    const apply = vi.fn(() => Promise.reject(new Error('down')));
    provision(engine, { name: 'roles', scopes: [SCOPE], apply, retryAfter: '10s' });
    await aGranted(engine, { subject: MAYA });
    await engine.flushAudit();
    const dueNow = async () => (await store.due({ at: clock.now(), limit: 10 })).items.map(({ kind }) => kind);
    expect(await dueNow()).toEqual([]);
    await engine.sweep();
    await engine.flushAudit();
    expect(apply).toHaveBeenCalledTimes(1);
    await clock.advance('10s');
    expect(await dueNow()).toEqual(['provisioning']);
    await engine.sweep();
    await engine.flushAudit();
    expect(apply).toHaveBeenCalledTimes(2);
    expect(await dueNow()).toEqual([]);
  });
});
