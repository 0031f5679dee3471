import { describe, expect, it } from 'vitest';
import type { Approver } from '../../../src/index.js';
import { PAGE_ACTIONS } from '../../../src/features/http/actions.js';
import { CallerBudgets, MISSED } from '../../../src/features/http/caller-budgets.js';
import { operations } from '../../../src/features/http/operations/index.js';
import { kernelOf } from '../../../src/kernel/kernel-of.js';
import { definePolicy } from '../../../src/policy.js';
import { exampleOf } from './examples.js';
import { aService, BASE, EVE, MAYA, SAM, SCOPE, turns } from './world.js';

const GROUPS = Array.from({ length: 20 }, (_, i) => `g${i}`);
const SCOPES = GROUPS.map((name) => `${name}:use`);

/** Counts the questions to the code of a service. With a delay, each question of a group and of a directory takes that long. */
class Questions {
  asked: Record<string, number> = {};
  open = 0;
  mostOpen = 0;
  delay: (() => Promise<void>) | undefined;

  async ask<Answer>(name: string, answer: Answer): Promise<Answer> {
    this.asked[name] = (this.asked[name] ?? 0) + 1;
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    await this.delay?.();
    this.open--;
    return answer;
  }

  reset(): void {
    this.asked = {};
    this.mostOpen = 0;
  }

  get all(): number {
    return Object.values(this.asked).reduce((sum, count) => sum + count, 0);
  }
}

/** Twenty groups of code, each of which reviews one pending request of maya. */
function aWorld(questions: Questions) {
  const live = (name: string) => ({ isMember: (person: string) => questions.ask('isMember', name === 'leads' && person === SAM) });
  const rule = { subjects: [MAYA], requesters: [{ self: true } as const, 'user:raj'], maxTtl: '1h' } as const;
  const approver: Approver = definePolicy({
    groups: Object.fromEntries(['leads', ...GROUPS].map((name) => [name, live(name)])),
    rules: [
      { ...rule, id: 'database', scopes: ['db-prod:*'], maxTotal: '4h', review: { groups: { leads: 1 } } },
      ...GROUPS.map((name) => ({ ...rule, id: name, scopes: [`${name}:*`], review: { groups: { [name]: 1 } } })),
    ],
    breakGlass: [{ ...rule, maxTtl: '15m', id: 'outage', scopes: ['db-prod:*'], reviewers: ['leads'], reviewWithin: '1d' }],
  });
  const http = {
    may: () => questions.ask('may', false),
    people: { describe: () => questions.ask('describe', {}), search: () => questions.ask('search', []) },
    limit: () => undefined,
  };
  return { engine: { approver, limits: { maxOpenRequests: 50 } }, http };
}

async function asStranger(operation: (typeof operations)[number]) {
  const questions = new Questions();
  const { service, send } = await exampleOf(operation, MAYA, aWorld(questions));
  for (const scope of SCOPES) await service.engine.requestAccess({ subject: MAYA, scope, ttl: '30m' });
  // The body of a stream ends with the engine.
  const call = async (as = EVE) =>
    operation.id === 'events' ? service.handler(new Request(`${BASE}/v1/events`, { headers: { 'x-user': as } })) : send({ as });
  await call('user:first');
  questions.reset();
  return { service, questions, call };
}

/** The questions of one call of a stranger, and of 100 calls of a stranger at once, each question of which takes 15 ms. */
interface Row {
  readonly once: Readonly<Record<string, number>>;
  readonly hundred: Readonly<Record<string, number>>;
  readonly mostOpen: number;
  /** The answers to the 100 calls. Default: the status of one call. */
  readonly answers?: Readonly<Record<string, number>>;
}

const NOTHING: Row = { once: {}, hundred: {}, mostOpen: 0 };
/** One question to the service's own `may`: the option `limit` bounds the calls. */
const MAY: Row = { once: { may: 1 }, hundred: { may: 100 }, mostOpen: 100 };
/** Each of the 20 groups, and `leads` for the quorum and for break-glass. Ten calls begin, then one at a time for five seconds. */
const MISS: Row = {
  once: { isMember: 22, may: 1 },
  hundred: { isMember: 21 * 22, may: 21 },
  mostOpen: 10,
  answers: { 404: 21, 429: 79 },
};

/** A new operation needs a row. */
const ROWS: Readonly<Record<string, Row>> = {
  health: NOTHING,
  openapi: NOTHING,
  status: NOTHING,
  requestable: NOTHING,
  canAsk: NOTHING,
  views: { once: { may: PAGE_ACTIONS.length }, hundred: { may: 100 * PAGE_ACTIONS.length }, mostOpen: 100 * PAGE_ACTIONS.length },
  searchPeople: { once: { search: 1 }, hundred: { search: 100 }, mostOpen: 10 },
  requestAccess: NOTHING,
  listRequests: NOTHING,
  getRequest: MISS,
  getTimeline: MISS,
  getReviewers: MISS,
  amend: MISS,
  cancel: MISS,
  comment: MISS,
  extendRequest: MISS,
  releaseRequest: MISS,
  inbox: { once: { isMember: 22 }, hundred: { isMember: 2_200 }, mostOpen: 10 * 22 },
  approve: MISS,
  deny: MISS,
  listGrants: NOTHING,
  getGrant: MISS,
  extendGrant: MISS,
  releaseGrant: MISS,
  breakGlass: NOTHING,
  listBreakGlassReviews: { once: { isMember: 1 }, hundred: { isMember: 100 }, mostOpen: 10 },
  reviewBreakGlass: MISS,
  openApprovalLink: NOTHING,
  redeemApprovalLink: NOTHING,
  events: MAY,
  revoke: MAY,
  revokeAll: MAY,
  lock: MAY,
  listLocks: MAY,
  unlock: MAY,
  whoHadAccess: MAY,
  history: MAY,
  accessReport: MAY,
  stats: MAY,
  journal: MAY,
  journalHead: MAY,
  verifyJournal: MAY,
};

describe('the questions of a stranger', () => {
  it('[A5] are in the table: a new operation needs a row', () => {
    expect(Object.keys(ROWS)).toEqual(operations.map(({ id }) => id));
  });

  it.each(operations.map((operation) => [operation.id, operation] as const))(
    '[A5] are bounded for one call, and for 100 at once: %s',
    async (id, operation) => {
      const { once, hundred, mostOpen, answers } = ROWS[id] as Row;
      const { service, questions, call } = await asStranger(operation);
      const { status } = await call();
      expect(questions.asked).toEqual(once);
      questions.reset();
      questions.delay = slow(service);
      const calls = Array.from({ length: 100 }, () => call('user:mallory'));
      await pass(service, 12);
      const statuses = (await Promise.all(calls)).map((answer) => answer.status);
      const counted: Record<string, number> = {};
      for (const one of statuses) counted[one] = (counted[one] ?? 0) + 1;
      expect({
        hundred: questions.asked,
        mostOpen: questions.mostOpen,
        answers: counted,
      }).toEqual({ hundred, mostOpen, answers: answers ?? (id === 'events' ? { 200: 10, 429: 90 } : { [status]: 100 }) });
      await service.engine.close();
    },
  );

  it('[A5] of 100 calls delay no other caller, and take no place of another one', async () => {
    const { service, questions, call } = await missing();
    questions.delay = slow(service);
    const calls = Array.from({ length: 100 }, () => call('user:mallory'));
    await pass(service, 1);
    const reviewing = call(SAM);
    await turns();
    // The one group of the request: the reviewer waits for nothing else.
    await service.clock.advance(15);
    expect((await reviewing).status).toBe(200);
    await pass(service, 12);
    await Promise.all(calls);
  });

  it('[A5] begin at the same instants for requests that exist and for others, also while the caller has calls open', async () => {
    const beginsOf = async (id: string) => {
      const { service, questions } = await missing();
      const { requests } = { requests: (await service.engine.listRequests({ subject: MAYA })).items };
      questions.delay = slow(service);
      const ends: (readonly [number, number])[] = [];
      const get = async (one: string) => {
        const { status } = await service.send('GET', `/requests/${one}`, { as: EVE });
        ends.push([service.clock.now() - start, status]);
      };
      const start = service.clock.now();
      const known = requests.slice(0, 8).map((request) => request.id);
      const calls = [...known, id === 'known' ? (known[0] as string) : 'f'.repeat(32), ...known, ...known].map(get);
      await pass(service, 12);
      await Promise.all(calls);
      return ends;
    };
    const known = await beginsOf('known');
    expect(known).toEqual(await beginsOf('unknown'));
    expect(known.map(([, status]) => status)).toContain(429);
  });

  it('[A5] are ten 404s in a second: further calls of the caller wait for the next one', async () => {
    const { service, call } = await missing();
    const statuses: number[] = [];
    for (let i = 0; i < 10; i++) expect((await call()).status).toBe(404);
    const waiting = Array.from({ length: 12 }, async () => statuses.push((await call()).status));
    await turns();
    expect(statuses).toEqual([]);
    await service.clock.advance('1s');
    await turns();
    expect(statuses).toEqual(Array.from({ length: 10 }, () => 404));
    await service.clock.advance('1s');
    await Promise.all(waiting);
    expect(statuses).toHaveLength(12);
  });

  it('[A5] wait for at most five seconds: then the call is 429 with Retry-After, and asks nothing later', async () => {
    const { service, questions, call } = await missing();
    await call();
    let answer = (): void => undefined;
    questions.delay = () => new Promise((resolve) => (answer = resolve));
    const hanging = call();
    await turns();
    const waiting = call();
    await turns();
    const before = questions.all;
    await service.clock.advance('5s');
    const { status, body, headers } = await waiting;
    expect([status, body.type, headers.get('retry-after')]).toEqual([429, 'urn:jit-access:problem:too-many-requests', '1']);
    questions.delay = undefined;
    answer();
    expect((await hanging).status).toBe(404);
    await turns();
    expect(questions.all - before).toBe(21);
  });

  it('[A5] are asked for ten calls at once again when the last 404 is ten seconds old, also if the clock was set back', async () => {
    for (const move of ['10s', -3_600_000] as const) {
      const { service, questions, call } = await missing();
      await call();
      if (move === '10s') await service.clock.advance(move);
      else await service.clock.step(move);
      let open = (): void => undefined;
      const gate = new Promise<void>((resolve) => (open = resolve));
      questions.delay = () => gate;
      questions.reset();
      const calls = Array.from({ length: 10 }, () => call());
      await turns();
      expect(questions.mostOpen).toBe(10);
      questions.delay = undefined;
      open();
      await Promise.all(calls);
    }
  });

  it('[A5] of a caller whom `may` permits to see the id are no 404 of a stranger', async () => {
    const { service, questions, call } = await missing(() => true);
    for (let i = 0; i < 30; i++) expect((await call()).status).toBe(404);
    expect(kernelOf(service.engine).part(CallerBudgets).size).toBe(0);
    expect(questions.asked['isMember']).toBe(30 * 22);
  });

  it('L38 [A5] are free again after 30 seconds if `may` never answered, for the caller and for reviewers with a 404', async () => {
    let hangs = false;
    const service = aService({ http: { may: () => (hangs ? new Promise<boolean>(() => undefined) : false) } });
    const { request } = await service.engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '30m', justification: 'x' });
    const see = (as: string) => service.send('GET', `/requests/${request.id}`, { as });
    const strangers = Array.from({ length: 32 }, (_, i) => `user:e${i}`);
    for (const as of [...strangers, ...strangers]) await service.send('GET', '/requests/nope', { as });
    hangs = true;
    const hung = [...strangers.map(see), ...Array.from({ length: 10 }, () => see(EVE))];
    await pass(service, 31);
    expect(new Set((await Promise.all(hung)).map(({ status }) => status))).toEqual(new Set([503]));
    hangs = false;
    expect((await service.send('GET', '/requests/nope', { as: SAM })).status).toBe(404);
    expect((await service.send('POST', `/requests/${request.id}/approve`, { as: SAM, body: {} })).status).toBe(200);
    expect((await see(EVE)).status).toBe(404);
  });

  it('L38 [A5] of 32 callers whose questions hang take no place of a reviewer with one 404', async () => {
    let hangs = false;
    const leads = { isMember: (person: string) => (person === SAM ? true : hangs ? new Promise<boolean>(() => undefined) : false) };
    const review = { id: 'd', scopes: ['db-prod:*'], subjects: [MAYA], maxTtl: '1h', review: { groups: { leads: 1 } } } as const;
    const approver = definePolicy({ groups: { leads }, rules: [review] });
    const service = aService({ engine: { approver }, http: { may: () => false } });
    const { request } = await service.engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '30m', justification: 'x' });
    const miss = (as: string) => service.send('GET', '/requests/nope', { as });
    const strangers = Array.from({ length: 32 }, (_, i) => `user:e${i}`);
    for (const as of [SAM, ...strangers, ...strangers]) await miss(as);
    hangs = true;
    const hung = strangers.map(miss);
    await turns();
    expect((await service.send('POST', `/requests/${request.id}/approve`, { as: SAM, body: {} })).status).toBe(200);
    await pass(service, 31);
    await Promise.all(hung);
  });

  it('L42 [A5] are remembered of at most 10,000 callers, and the oldest are forgotten first', async () => {
    const { service } = await missing();
    const budgets = kernelOf(service.engine).part(CallerBudgets);
    const miss = (caller: string) => budgets.run(caller, () => Promise.resolve(MISSED));
    for (let i = 0; i < 10_050; i++) await miss(`user:${i}`);
    expect(budgets.size).toBe(10_000);
    for (let i = 0; i < 10; i++) await budgets.run(`user:sees-${i}`, () => Promise.resolve('seen'));
    expect(budgets.size).toBeLessThanOrEqual(10_000);
  });
});

/** 15 ms. Questions of one instant share a sleeper: a clock with thousands of them is slow. */
function slow({ clock }: ReturnType<typeof aService>): () => Promise<void> {
  const sleeps = new Map<number, Promise<void>>();
  return () => {
    const until = clock.now() + 15;
    const sleep = sleeps.get(until) ?? clock.sleep(until, new AbortController().signal);
    sleeps.set(until, sleep);
    return sleep;
  };
}

/** Lets seconds pass, after the calls have begun. */
async function pass({ clock }: ReturnType<typeof aService>, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    await turns();
    await clock.advance('1s');
  }
}

/** A call about an id that is not known. */
async function missing(may: () => boolean = () => false) {
  const questions = new Questions();
  const world = aWorld(questions);
  const service = aService({ ...world, http: { ...world.http, may } });
  const ask = { subject: MAYA, ttl: '30m' } as const;
  const { request } = await service.engine.requestAccess({ ...ask, scope: 'db-prod:write' });
  for (const scope of SCOPES) await service.engine.requestAccess({ ...ask, scope });
  await service.engine.breakGlass({ ...ask, scope: 'db-prod:drop', ttl: '5m', justification: 'INC-204' });
  await service.send('GET', `/requests/${request.id}`, { as: SAM });
  questions.reset();
  const call = (as = EVE) => service.send('GET', `/requests/${as === SAM ? request.id : '0'.repeat(32)}`, { as });
  return { service, questions, call };
}
