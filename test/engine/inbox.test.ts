import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import { firstDecisive, MemoryGrantStore, type Approver, type JitEngine } from '../../src/index.js';
import { hangs, malformed, type ManualClock, ScriptedApprover, throws, type ApproverScript } from '../../src/testing.js';
import { ANA, anEngine, ask, at, HOUR, LEE, MAYA, MINUTE, refusal, SAM } from './an-engine.js';

const TIMEOUT = 5_000;
const REVIEW = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } } as const;
const IN_OPS = ['ops'];

/** An engine with as many pending requests, each of another subject, a millisecond apart. */
async function pending(count: number, script: Partial<ApproverScript>, wrap: (approver: ScriptedApprover) => Approver = (own) => own) {
  const approver = new ScriptedApprover({ decide: REVIEW, groupsOf: IN_OPS, ...script });
  const made = anEngine({ approver: wrap(approver), store: new MemoryGrantStore(), limits: { approverTimeout: TIMEOUT } });
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    ids.push((await ask(made.engine, { subject: `user:${i}` })).request.id);
    await made.clock.advance(1);
  }
  return { ...made, approver, ids };
}

const idsOf = (items: readonly { readonly request: { readonly id: string } }[]): readonly string[] =>
  items.map(({ request }) => request.id);

async function all(engine: JitEngine, reviewer: string, limit?: number): Promise<readonly string[]> {
  const items = [];
  for await (const item of engine.inbox(reviewer, { limit })) items.push(item);
  return idsOf(items);
}

/** Answers after `ms` of the clock. Counts the questions that are open at the same time. */
function slow<Answer>(clock: () => ManualClock, ms: number, answer: Answer) {
  const seen = { open: 0, most: 0, asked: 0 };
  const give = async (): Promise<Answer> => {
    seen.asked += 1;
    seen.open += 1;
    seen.most = Math.max(seen.most, seen.open);
    await clock().sleep(clock().now() + ms, new AbortController().signal);
    seen.open -= 1;
    return answer;
  };
  return { seen, give };
}

/** The result of work that is done after exactly `ms` of the clock. */
async function doneAfter<T>(clock: ManualClock, ms: number, work: Promise<T>): Promise<T> {
  let isDone = false;
  void work.catch(() => undefined).then(() => (isDone = true));
  const turns = async () => {
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  await turns();
  await clock.advance(ms - 1);
  await turns();
  expect(isDone).toBe(false);
  await clock.advance(1);
  return work;
}

describe('inbox(), in pages', () => {
  it('gives the first due first, in pages of any length', async () => {
    const { engine, ids } = await pending(7, {});
    for (const limit of [1, 2, 3, 7, 100]) expect(await all(engine, SAM, limit)).toEqual(ids);
    const first = await engine.inbox(SAM, { limit: 3 });
    expect(idsOf(first.items)).toEqual(ids.slice(0, 3));
    expect(idsOf((await engine.inbox(SAM, { limit: 3, after: first.next })).items)).toEqual(ids.slice(3, 6));
    expect((await engine.inbox(SAM, { limit: 7 })).next).toBeUndefined();
  });

  it('shows each request exactly once while others are decided and made between its pages', async () => {
    const { engine, ids } = await pending(9, {});
    const seen: string[] = [];
    for (let after: string | undefined, page = 0; ; page++) {
      const { items, next } = await engine.inbox(SAM, { limit: 2, after });
      seen.push(...idsOf(items));
      if (page === 0) await engine.deny(ids[0] as string, { by: LEE });
      if (page === 1) await engine.deny(ids[5] as string, { by: LEE });
      if (page === 2) await ask(engine, { subject: 'user:late' });
      if (next === undefined) break;
      after = next;
    }
    expect(seen.slice(0, 8)).toEqual(ids.filter((_, i) => i !== 5));
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('L42 looks at 1,000 pending requests for a page, and has a next where more are pending', async () => {
    const { engine, ids } = await pending(1_010, { groupsOf: (_, { subject }) => (subject === 'user:1005' ? IN_OPS : []) });
    const first = await engine.inbox(SAM);
    expect(first.items).toEqual([]);
    expect(idsOf((await engine.inbox(SAM, { after: first.next })).items)).toEqual([ids[1_005]]);
    expect(await all(engine, SAM)).toEqual([ids[1_005]]);
  });

  it('looks at no request whose deadline has passed, however many no sweep has recorded', async () => {
    const { engine, clock, approver, ids } = await pending(5, {});
    await clock.set(at(24 * HOUR + 2));
    expect(await all(engine, SAM)).toEqual(ids.slice(3));
    expect(approver.asked('groupsOf')).toBe(2);
  });

  it('refuses a bad argument, and stores nothing', async () => {
    const { engine } = await pending(1, {});
    const head = await journalHead(engine);
    for (const query of [null, 7, { limit: 0 }, { limit: 1_001 }, { after: 'x' }, { status: 'pending' }]) {
      await refusal(engine.inbox(SAM, query as object), 'ERR_JIT_INVALID_ARGUMENT');
    }
    await refusal(engine.inbox('system'), 'ERR_JIT_INVALID_ARGUMENT');
    expect(await journalHead(engine)).toEqual(head);
  });
});

describe('inbox(), and a directory that is slow', () => {
  it('asks 200 questions of 5 ms in 35 ms, with at most 32 open at a time', async () => {
    const { seen, give } = slow(() => made.clock, 5, IN_OPS);
    const made = await pending(200, { groupsOf: give });
    const page = await doneAfter(made.clock, 35, made.engine.inbox(SAM, { limit: 200 }));
    expect(page.items).toHaveLength(200);
    expect(seen).toEqual({ open: 0, most: 32, asked: 200 });
  });

  it('waits one time limit in all where the directory hangs, and hides and reports the requests concerned', async () => {
    const { engine, clock, approver, ids, told } = await pending(100, { groupsOf: hangs() });
    const page = await doneAfter(clock, TIMEOUT, engine.inbox(SAM));
    expect(page.items).toEqual([]);
    expect(approver.asked('groupsOf')).toBe(32);
    expect(told.map(({ error, during }) => [(error as { requestId: string }).requestId, during])).toEqual(
      ids.slice(0, 32).map((id) => [id, 'inbox']),
    );
    expect(String(told[0]?.error)).toContain('gave no answer before the time limit of the call');
    // The others come with the next page, once the directory answers again.
    approver.script.groupsOf = IN_OPS;
    expect(idsOf((await engine.inbox(SAM, { after: page.next })).items)).toEqual(ids.slice(32));
  });

  it('waits one time limit in all, however many rounds of questions a page needs', async () => {
    // Each round of 200 questions takes 7 times 400 ms: the second round exceeds the limit of 5 s.
    const { seen, give } = slow(() => made.clock, 400, [] as readonly string[]);
    const made = await pending(450, { groupsOf: give });
    const first = await doneAfter(made.clock, TIMEOUT, made.engine.inbox(SAM));
    expect(first.next).toBeDefined();
    expect(seen.most).toBe(32);
    // The questions that were open at the limit have failed; those that were not asked yet are asked for the next page.
    const failed = made.told.length;
    expect(failed).toBeLessThanOrEqual(32);
    await doneAfter(made.clock, 800, made.engine.inbox(SAM, { after: first.next }));
    expect(seen.asked).toBe(450);
  });

  it('lists the requests whose questions were answered, beside one that hangs', async () => {
    const { engine, clock, ids, told } = await pending(60, {
      groupsOf: (_, { subject }) => (subject === 'user:3' ? new Promise<never>(() => undefined) : IN_OPS),
    });
    const page = await doneAfter(clock, TIMEOUT, engine.inbox(SAM));
    expect(idsOf(page.items)).toEqual(ids.filter((_, i) => i !== 3));
    expect(told).toMatchObject([{ error: { requestId: ids[3] } }]);
  });

  it('drops an answer that comes after the time limit', async () => {
    let give: (groups: readonly string[]) => void = () => undefined;
    const { engine, clock } = await pending(1, { groupsOf: () => new Promise<readonly string[]>((resolve) => (give = resolve)) });
    const work = engine.inbox(SAM);
    const page = await doneAfter(clock, TIMEOUT, work);
    give(IN_OPS);
    await new Promise((resolve) => setImmediate(resolve));
    expect(page.items).toEqual([]);
    expect((await work).items).toEqual([]);
  });
});

describe('groupsOfAll()', () => {
  it('is asked once for a page, about the requests that the reviewer could review, and groupsOf is not', async () => {
    const { engine, approver, ids } = await pending(50, {
      groupsOfAll: (_, requests) => requests.map(({ subject }) => (subject.endsWith('7') ? [] : IN_OPS)),
    });
    await ask(engine, { subject: SAM });
    const wanted = ids.filter((_, i) => i % 10 !== 7);
    expect(idsOf((await engine.inbox(SAM)).items)).toEqual(wanted);
    expect(approver.asked('groupsOf')).toBe(0);
    const [question] = approver.questions.filter(({ method }) => method === 'groupsOfAll');
    expect(approver.asked('groupsOfAll')).toBe(1);
    expect(question).toMatchObject({ reviewer: SAM, requests: { length: 50 } });
    expect(Object.isFrozen((question as { requests: object }).requests)).toBe(true);
  });

  it('gives the list that groupsOf gives', async () => {
    const groupsOf = (reviewer: string, { subject }: { readonly subject: string }) =>
      reviewer === SAM && subject !== 'user:2' ? IN_OPS : ['none'];
    const one = await pending(5, { groupsOf });
    const together = await pending(5, {
      groupsOf,
      groupsOfAll: (reviewer, requests) => requests.map((request) => groupsOf(reviewer, request)),
    });
    for (const reviewer of [SAM, ANA]) {
      const subjects = async ({ engine }: typeof one) => (await engine.inbox(reviewer)).items.map(({ request }) => request.subject);
      expect(await subjects(together)).toEqual(await subjects(one));
    }
  });

  const BAD: readonly (readonly [string, ApproverScript['groupsOfAll']])[] = [
    ['throws', throws(new Error('LDAP is down'))],
    ['rejects', () => Promise.reject(new Error('LDAP is down'))],
    ['gives one item too few', (_, requests) => requests.slice(1).map(() => IN_OPS)],
    ['gives too many items, all of which reject', (_, requests) => [...requests, {}].map(() => Promise.reject(new Error('no')))],
    ['gives one item too many', (_, requests) => [...requests, {}].map(() => IN_OPS)],
    ...[undefined, null, true, 'ops', {}, { length: 3 }].map(
      (value) => [`gives ${JSON.stringify(value) ?? 'undefined'}`, malformed(value)] as readonly [string, ApproverScript['groupsOfAll']],
    ),
  ];
  for (const [what, groupsOfAll] of BAD) {
    it(`L30 shows no request where it ${what}, and reports it once`, async () => {
      const { engine, told } = await pending(3, { groupsOfAll });
      expect(await engine.inbox(SAM)).toEqual({ items: [], next: undefined });
      expect(told).toMatchObject([{ error: { code: 'ERR_JIT_APPROVER', requestId: undefined }, during: 'inbox' }]);
      expect(String(told[0]?.error)).toContain('groupsOfAll');
    });
  }

  const BAD_ITEMS: readonly (readonly [string, () => unknown])[] = [
    ...[undefined, null, true, 'ops', [7], [''], {}, { length: 1 }, Array(1)].map(
      (item) => [JSON.stringify(item) ?? 'undefined', () => item] as const,
    ),
    ['a promise that rejects', () => Promise.reject(new Error('no'))],
    ['a promise of something else', () => Promise.resolve(7)],
  ];
  it.each(BAD_ITEMS)('L30 shows the other requests where the item of one is %s', async (_what, item) => {
    const { engine, ids, told } = await pending(3, {
      groupsOfAll: (_, requests) => requests.map((_one, i) => (i === 1 ? item() : IN_OPS) as readonly string[]),
    });
    expect(idsOf((await engine.inbox(SAM)).items)).toEqual([ids[0], ids[2]]);
    expect(told).toMatchObject([{ error: { code: 'ERR_JIT_APPROVER' }, during: 'inbox' }]);
  });

  it('waits one time limit in all where it hangs, or where one of its items does', async () => {
    const whole = await pending(3, { groupsOfAll: hangs() });
    await doneAfter(whole.clock, TIMEOUT, whole.engine.inbox(SAM));
    expect(whole.told).toHaveLength(1);
    const item = await pending(3, {
      groupsOfAll: (_, requests) => requests.map((_one, i) => (i === 1 ? new Promise<never>(() => undefined) : IN_OPS)),
    });
    const page = await doneAfter(item.clock, TIMEOUT, item.engine.inbox(SAM));
    expect(idsOf(page.items)).toEqual([item.ids[0], item.ids[2]]);
  });

  it('gives no reviewer a right without groupsOf, and no agent', async () => {
    const { engine } = await pending(1, { groupsOf: undefined, groupsOfAll: (_, requests) => requests.map(() => IN_OPS) });
    expect((await engine.inbox(SAM)).items).toEqual([]);
    const agents = await pending(1, { groupsOfAll: (_, requests) => requests.map(() => IN_OPS) });
    expect((await agents.engine.inbox('agent:7')).items).toEqual([]);
    expect(agents.approver.asked('groupsOfAll')).toBe(0);
  });

  it('is asked by a chain, of each member once, and a failing member hides only its own requests', async () => {
    const decide = (of: string) => ({
      decide: ({ subject }: { readonly subject: string }) => (subject.startsWith(of) ? REVIEW : ({ outcome: 'abstain' } as const)),
    });
    const together = new ScriptedApprover(
      { ...decide('a'), groupsOf: [], groupsOfAll: (_, requests) => requests.map(() => IN_OPS) },
      'together',
    );
    const single = new ScriptedApprover({ ...decide('b'), groupsOf: IN_OPS }, 'single');
    const broken = new ScriptedApprover({ ...decide('c'), groupsOf: IN_OPS, groupsOfAll: throws(new Error('down')) }, 'broken');
    const without = new ScriptedApprover(decide('d'), 'without');
    const { engine, told } = anEngine({ approver: firstDecisive(together, single, broken, without) });
    for (const subject of ['a1', 'b1', 'c1', 'd1', 'a2', 'b2', 'c2']) await ask(engine, { subject });
    const subjects = (await engine.inbox(SAM)).items.map(({ request }) => request.subject);
    expect([...subjects].sort()).toEqual(['a1', 'a2', 'b1', 'b2']);
    expect([together.asked('groupsOfAll'), together.asked('groupsOf'), single.asked('groupsOf')]).toEqual([1, 0, 2]);
    expect(told).toHaveLength(1);
  });

  it('L42 is asked about at most 200 requests at a time, and a chain has at most 32 questions open', async () => {
    const { seen, give } = slow(() => made.clock, 5, [] as readonly string[]);
    const made = await pending(250, { groupsOf: give }, (own) => firstDecisive(own));
    await doneAfter(made.clock, 35 + 10, made.engine.inbox(SAM));
    expect(seen).toEqual({ open: 0, most: 32, asked: 250 });
    const together = await pending(250, { groupsOfAll: (_, requests) => requests.map(() => []) });
    await together.engine.inbox(SAM);
    expect(together.approver.questions.flatMap((one) => (one.method === 'groupsOfAll' ? [one.requests.length] : []))).toEqual([200, 50]);
  });
});

describe('an inbox item', () => {
  const QUORUM = {
    outcome: 'review',
    quorum: {
      groups: [
        { name: 'dba', approvals: 2 },
        { name: 'security', approvals: 1 },
      ],
      denials: 2,
      approvalTtlMs: 10 * MINUTE,
    },
  } as const;
  const GROUPS: Readonly<Record<string, readonly string[]>> = {
    [SAM]: ['dba'],
    [ANA]: ['dba', 'security'],
    [LEE]: ['security'],
    'user:kim': ['dba'],
  };
  const quorum = () => {
    const approver = new ScriptedApprover({ decide: QUORUM, groupsOf: (reviewer) => GROUPS[reviewer] ?? [] });
    return { ...anEngine({ approver }), approver };
  };
  const itemFor = async (engine: JitEngine, reviewer: string) => (await engine.inbox(reviewer)).items[0];

  it('L14 lists the approvals that are missing, by group, as data and in words', async () => {
    const { engine } = quorum();
    const { request } = await ask(engine);
    const missing = async (reviewer: string) => {
      const item = await itemFor(engine, reviewer);
      return [item?.missing, item?.missingInWords];
    };
    const [dba, security] = [
      { group: 'dba', approvals: 2, alternative: 0, step: 0 },
      { group: 'security', approvals: 1, alternative: 0, step: 0 },
    ];
    expect(await missing(LEE)).toEqual([[dba, security], '2 more of dba and 1 more of security']);
    // Ana counts in one of her two groups.
    await engine.approve(request.id, { by: ANA });
    expect(await missing(LEE)).toEqual([[{ ...dba, approvals: 1 }, security], '1 more of dba and 1 more of security']);
    // Sam and Kim fill the other group, and Ana counts where she is needed.
    await engine.approve(request.id, { by: SAM });
    expect(await missing(LEE)).toEqual([[security], '1 more of security']);
    await engine.deny(request.id, { by: 'user:kim' });
    expect(await missing(LEE)).toEqual([[security], '1 more of security']);
  });

  it('counts an approval only in the group that its reviewer named', async () => {
    const { engine } = quorum();
    const { request } = await ask(engine);
    await engine.approve(request.id, { by: ANA, as: 'security' });
    expect((await itemFor(engine, SAM))?.missingInWords).toBe('2 more of dba');
  });

  it('has the own review of a reviewer whose approval has become stale, and counts it no more', async () => {
    const { engine, clock } = quorum();
    const { request } = await ask(engine);
    expect((await itemFor(engine, SAM))?.ownReview).toBeUndefined();
    await engine.approve(request.id, { by: SAM, reason: 'looks right' });
    expect(await itemFor(engine, SAM)).toBeUndefined();
    expect((await itemFor(engine, LEE))?.ownReview).toBeUndefined();
    await clock.advance(10 * MINUTE);
    const item = await itemFor(engine, SAM);
    expect(item?.ownReview).toMatchObject({ reviewer: SAM, verdict: 'approve', reason: 'looks right', at: at(0) });
    expect(item?.missingInWords).toBe('2 more of dba and 1 more of security');
  });

  it('says that the quorum is counted again where every approval is recorded, but a reviewer had left', async () => {
    const { engine, approver } = quorum();
    const { request } = await ask(engine);
    await engine.approve(request.id, { by: SAM });
    await engine.approve(request.id, { by: 'user:kim' });
    approver.script.groupsOf = (reviewer) => (reviewer === SAM ? [] : (GROUPS[reviewer] ?? []));
    // Sam has left, so this approval does not complete the quorum.
    expect((await engine.approve(request.id, { by: LEE })).outcome).toBe('pending');
    const item = await itemFor(engine, ANA);
    expect([item?.missing, item?.missingInWords]).toEqual([[], 'no more: the next approval counts the quorum again']);
  });

  it('names the twins of a request also where they lie on other pages', async () => {
    const { engine, clock } = quorum();
    const first = await ask(engine, { scope: 'db' });
    await clock.advance(1);
    await ask(engine, { subject: 'user:bob', scope: 'db' });
    await clock.advance(1);
    const last = await ask(engine, { scopes: ['db', 'web'] });
    const items = [];
    for await (const item of engine.inbox(LEE, { limit: 1 })) items.push([item.request.subject, item.twins]);
    expect(items).toEqual([
      [MAYA, [last.request.id]],
      ['user:bob', []],
      [MAYA, [first.request.id]],
    ]);
  });
});
