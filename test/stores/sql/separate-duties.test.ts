import { readFileSync } from 'node:fs';
import { JitEngine, type Approver } from 'jit-access';
import { sqlGrantStore, type SqlGrantStoreOptions } from 'jit-access/sql';
import { FaultyStore, ManualClock, ScriptedApprover } from 'jit-access/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAYA, SAM, sqlitePlace, type HookPlace } from './hooked.js';

const DUTIES = ['payments:create', 'payments:approve'] as const;
const PAIRS = 50;
type Hook = NonNullable<SqlGrantStoreOptions['onCommit']>;

/** The hook exactly as docs/guides/stores/own-rows.md prints it. */
async function hookOfThePage(): Promise<Hook> {
  const page = readFileSync(new URL('../../../docs/guides/stores/own-rows.md', import.meta.url), 'utf8');
  const [, code = ''] = /```js\n(const DUTIES[^]*?)```/.exec(page) ?? [];
  const module = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as { readonly onCommit: Hook };
  return module.onCommit;
}

describe('a rule about what a subject already holds', () => {
  let place: HookPlace;
  beforeAll(async () => {
    place = await sqlitePlace();
    await place.sql('create table duties (grant_id text primary key, subject text not null, scope text not null)');
  });
  afterAll(() => place.close());

  /** One engine over a namespace of its own, whose answers arrive in a fixed random order. */
  function anEngine(n: number, approver: Approver, onCommit?: Hook) {
    const store = new FaultyStore(
      sqlGrantStore({ db: place.kysely(), dialect: 'sqlite', namespace: `${n}${onCommit ? 'hook' : ''}`, onCommit }),
    );
    store.inject('all', { fault: 'yield', seed: n });
    return new JitEngine({ store, approver, clock: new ManualClock(), onError: () => undefined });
  }

  /** Asks for both duties at once. @returns how many were granted, and the code of each refusal */
  async function outcomesOf(engine: JitEngine, subject: string): Promise<readonly string[]> {
    const asked = DUTIES.map((scope) => engine.requestAccess({ subject, scope, ttl: '1h' }));
    const answers = await Promise.allSettled(asked);
    return answers
      .map((answer) => (answer.status === 'fulfilled' ? answer.value.outcome : (answer.reason as { code: string }).code))
      .sort();
  }

  it('admits both of two asks at once in an approver, which the guide for approvers warns about', async () => {
    let judging = 0;
    let bothRead = (): void => undefined;
    const read = new Promise<void>((resolve) => (bothRead = resolve));
    const approver = new ScriptedApprover({
      decide: async ({ subject }) => {
        const { items } = await engine.listGrants({ subject });
        if ((judging += 1) === DUTIES.length) bothRead();
        await read;
        return items.length > 0 ? { outcome: 'deny', reason: 'holds the other' } : { outcome: 'approve' };
      },
    });
    const engine = anEngine(0, approver);
    expect(await outcomesOf(engine, MAYA)).toEqual(['granted', 'granted']);
  });

  it('admits one of two asks at once in the hook of the page, an extension of it, and the other after its end', async () => {
    const onCommit = await hookOfThePage();
    for (let n = 1; n <= PAIRS; n++) {
      const engine = anEngine(n, new ScriptedApprover({ decide: { outcome: 'approve' } }), onCommit);
      const subject = `${MAYA}${n}`;
      expect(await outcomesOf(engine, subject), `pair ${n}`).toEqual(['ERR_JIT_HOOK', 'granted']);
      const [grant] = (await engine.listGrants({ subject })).items;
      expect(await engine.extend(grant?.id ?? '', { ttl: '1h', requestedBy: subject })).toMatchObject({ outcome: 'granted' });
      const [other] = DUTIES.filter((scope) => scope !== grant?.scope);
      await engine.revokeAll({ subject }, { by: SAM });
      expect(await engine.requestAccess({ subject, scope: other ?? '', ttl: '1h' })).toMatchObject({ outcome: 'granted' });
    }
  });
});
