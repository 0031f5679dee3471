import { isJitError, JitEngine, reviewers, type GrantStore } from 'jit-access';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { expect } from 'vitest';
import { entriesOf, wrongsOf } from './durable/verdict.js';
import { eventually } from './eventually.js';

const MAYA = 'user:maya';
const SAM = 'user:sam';
/** Longer than a page of SQLite: a file that cannot grow has no room for it. */
const LONG = 'x'.repeat(4_000);

/** A fault of the storage under a store. */
export interface Fault {
  /** Starts the fault. */
  readonly store: GrantStore;
  /** The same namespace without the fault, to read it before and after. Default: the store itself. */
  readonly near?: GrantStore;
  begin(): unknown;
  end(): unknown;
  /** What every error must contain. */
  readonly says: RegExp;
  /** Whether reads still work. */
  readonly reads: 'go on' | 'are refused';
  /** Whether changes that only end access are still written; a separate test shows that they are. Default: refused. */
  readonly ends?: 'go on';
  /** Of writes that fail. Default: ERR_JIT_STORE, and no other. */
  readonly code?: RegExp;
}

/**
 * L25 L30: during a fault, no check allows what the store does not prove, every verb that would write rejects
 * with a JitError that names the fault, and nothing is written, not later either. Afterwards the same store works again.
 */
export async function withstand({ store, near = store, begin, end, says, reads, ends, code = /^ERR_JIT_STORE$/ }: Fault): Promise<void> {
  const engineOn = (one: GrantStore) =>
    new JitEngine({ store: one, approver: reviewers({ members: [SAM] }), limits: { resendMs: 0 }, onError: () => undefined });
  const [engine, apart] = [engineOn(store), engineOn(near)];
  const ask = (on: JitEngine, scope: string, justification = '') =>
    on.requestAccess({ subject: MAYA, scope, ttl: '1h', ...(justification === '' ? {} : { justification }) });
  const [held, pending] = [(await ask(apart, 'a:held')).request, (await ask(apart, 'a:pending')).request];
  await apart.approve(held.id, { by: SAM });
  const grant = `${held.id}.1`;
  // Lets the store make its one-time look-ups before the fault.
  expect(await eventually(() => engine.isAllowed(MAYA, 'a:held'))).toBe(true);
  const asked = readsOf(store, grant);
  const answers = await Promise.all(asked.map((one) => eventually(one)));
  const before = await entriesOf(near);

  await begin();
  try {
    const lost = aRow({ id: 'lost', body: { text: LONG } });
    const writes = [
      () => ask(engine, 'a:new', LONG),
      () => engine.approve(pending.id, { by: SAM, reason: LONG }),
      ...(ends === 'go on' ? [] : [() => engine.revoke(grant, { by: SAM, reason: LONG })]),
      // A verb that reads nothing first.
      () => store.commit(aChange({ id: 'lost', put: [lost], append: [anEntry({ namespace: store.namespace })] })),
    ];
    for (const write of writes) expectOurs(await refusalOf(write), code, says);
    // These share a transaction, or a script.
    const together = ['a:b', 'a:c', 'a:d'].map((scope) => refusalOf(() => ask(engine, scope, LONG)));
    for (const error of await Promise.all(together)) expectOurs(error, code, says);

    const checks = [
      () => engine.isAllowed(MAYA, 'a:held'),
      async () => (await engine.check(MAYA, 'a:held')).allowed,
      async () => (await engine.filterAllowed(MAYA, ['a:held', 'a:pending', 'a:new'])).length === 1,
    ];
    if (reads === 'go on') {
      for (const check of checks) expect(await eventually(check)).toBe(true);
      for (const scope of ['a:pending', 'a:new']) expect(await eventually(() => engine.isAllowed(MAYA, scope))).toBe(false);
      for (const [i, one] of asked.entries()) expect(await eventually(one)).toEqual(answers[i]);
    } else {
      for (const read of [...checks, ...asked]) expectOurs(await refusalOf(read), /^ERR_JIT_STORE$/, says);
    }
  } finally {
    await end();
  }

  expect(await eventually(() => engine.isAllowed(MAYA, 'a:held'))).toBe(true);
  await eventually(() => engine.revoke(grant, { by: SAM }));
  expect(await eventually(() => engine.isAllowed(MAYA, 'a:held'))).toBe(false);
  const after = await entriesOf(near);
  // No refused change was applied later, either.
  expect(after.map(({ id }) => id).slice(0, -1)).toEqual(before.map(({ id }) => id));
  expect(after.at(-1)).toMatchObject({ type: 'grant.revoked', grantId: grant });
  expect(await wrongsOf(near, [['grant.revoked', grant]])).toEqual([]);
  await Promise.all([engine.close(), apart.close()]);
}

/** Every read that a store has. */
const readsOf = (store: GrantStore, grant: string): (() => Promise<unknown>)[] => [
  async () => store.get([aRow({ id: grant })]),
  async () => store.live({ subject: MAYA, scope: 'a:held', at: 0 }),
  async () => store.live({ subject: MAYA, at: 0 }),
  async () => store.find({ kind: 'request', limit: 10 }),
  async () => store.context?.({ keys: [aRow({ id: grant })], live: { subject: MAYA, at: 0 } }),
  async () => store.due({ at: 8.64e15, limit: 10 }),
  async () => store.journal({ after: 0, limit: 10 }),
];

const refusalOf = (call: () => Promise<unknown>): Promise<unknown> =>
  call().then(
    (answer) => new Error(`answered ${JSON.stringify(answer)}`),
    (error: unknown) => error,
  );

function expectOurs(error: unknown, code: RegExp, says: RegExp): void {
  expect(isJitError(error) ? error.code : 'an error of others', String(error)).toMatch(code);
  expect(String(error)).toMatch(says);
}
