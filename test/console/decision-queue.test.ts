import { expect, it } from 'vitest';
import { DecisionQueue, UNDO_MS, type Decision, type HeldDecision } from '../../src/console/app/parts/decision-queue.js';
import { HttpClientError } from '../../src/features/client/errors.js';

const decision = (requestId: string, more: Partial<Decision> = {}): Decision => ({
  requestId,
  version: 1,
  verdict: 'approve',
  subject: 'user:maya',
  scopes: ['db-prod:write'],
  ttlMs: 3_600_000,
  isNarrowed: false,
  decidedAt: 0,
  reason: undefined,
  comment: undefined,
  ...more,
});

/** A page whose timers run when the test says so. */
function aPage(kept: readonly HeldDecision[] = []) {
  const timers = new Map<number, { readonly at: number; readonly run: () => void }>();
  const sent: string[] = [];
  const answers: { readonly resolve: (answer?: unknown) => void; readonly reject: (error: unknown) => void }[] = [];
  const log: string[] = [];
  let now = 0;
  let id = 0;
  const page = {
    isVisible: true,
    isRecorded: undefined as boolean | undefined,
    kept: [] as readonly HeldDecision[],
    sent,
    log,
    advance(ms: number) {
      now += ms;
      for (const [key, { at, run }] of timers) if (at <= now && timers.delete(key)) run();
    },
    async answer(value?: unknown) {
      answers.shift()?.resolve(value);
      await settled();
    },
    async refuse(error: unknown) {
      answers.shift()?.reject(error);
      await settled();
    },
    queue: undefined as unknown as DecisionQueue,
  };
  page.queue = new DecisionQueue(
    {
      send: ({ requestId }) => {
        sent.push(requestId);
        return new Promise((resolve, reject) => answers.push({ resolve, reject }));
      },
      isRecorded: async () => {
        if (page.isRecorded === undefined) throw new Error('no answer');
        return page.isRecorded;
      },
      keep: (held) => (page.kept = held),
      isVisible: () => page.isVisible,
      after(ms, run) {
        const key = id++;
        timers.set(key, { at: now + ms, run });
        return () => timers.delete(key);
      },
      onRecorded: ({ requestId }) => log.push(`recorded ${requestId}`),
      onRefused: ({ requestId, state }) => log.push(`${state} ${requestId}`),
    },
    kept,
  );
  return page;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const problem = (status: number, name: string, more = {}) =>
  new HttpClientError('no', undefined, status, { type: `urn:jit-access:problem:${name}`, title: '', status, detail: '', ...more });
const stateOf = (page: ReturnType<typeof aPage>, requestId = 'r1') => page.queue.of(requestId)?.state;

it('a decision is sent once, five seconds after the tap, and has ended when the API has answered', async () => {
  const page = aPage();
  expect(page.queue.decide(decision('r1'))).toBe(true);
  page.advance(UNDO_MS - 1);
  expect([page.sent, stateOf(page)]).toEqual([[], 'waiting']);
  page.advance(1);
  page.advance(UNDO_MS);
  page.queue.flush();
  expect([page.sent, stateOf(page), page.kept.length]).toEqual([['r1'], 'sending', 1]);
  await page.answer();
  expect([stateOf(page), page.kept, page.log]).toEqual([undefined, [], ['recorded r1']]);
});

it('an undo sends nothing, and is too late once the decision is sent', () => {
  const page = aPage();
  page.queue.decide(decision('r1'));
  expect(page.queue.undo('r1')).toBe(true);
  page.advance(UNDO_MS);
  page.queue.flush();
  expect([page.sent, page.kept]).toEqual([[], []]);
  page.queue.decide(decision('r2'));
  page.advance(UNDO_MS);
  expect(page.queue.undo('r2')).toBe(false);
  expect(page.sent).toEqual(['r2']);
});

it('a hidden page sends at once what waits, and what is decided while it is hidden', () => {
  const page = aPage();
  page.queue.decide(decision('r1'));
  page.isVisible = false;
  page.queue.flush();
  page.queue.decide(decision('r2'));
  expect(page.sent).toEqual(['r1', 'r2']);
  page.advance(UNDO_MS);
  expect(page.sent).toEqual(['r1', 'r2']);
});

it('a second tap changes nothing while the first decision waits or is sent', () => {
  const page = aPage();
  page.queue.decide(decision('r1'));
  expect(page.queue.decide(decision('r1', { verdict: 'deny' }))).toBe(false);
  page.advance(UNDO_MS);
  expect(page.queue.decide(decision('r1', { verdict: 'deny' }))).toBe(false);
  expect(page.queue.of('r1')?.verdict).toBe('approve');
  expect(page.sent).toEqual(['r1']);
});

it('a refusal stays until the person dismisses it or decides again, and sends nothing by itself', async () => {
  const page = aPage();
  page.queue.decide(decision('r1'));
  page.advance(UNDO_MS);
  await page.refuse(problem(409, 'decided', { outcome: 'denied' }));
  expect(page.queue.of('r1')).toMatchObject({ state: 'refused', refusal: { status: 409, name: 'decided', why: 'denied' } });
  page.advance(UNDO_MS);
  page.queue.flush();
  expect(page.sent).toEqual(['r1']);
  page.queue.dismiss('r1');
  expect([stateOf(page), page.kept]).toEqual([undefined, []]);
});

it('a step-up keeps what the sign-in needs, and the next visit asks again', async () => {
  const page = aPage();
  page.queue.decide(decision('r1', { ttlMs: 900_000, isNarrowed: true, reason: 'enough' }));
  page.advance(UNDO_MS);
  const problems = [
    { field: 'auth.acr', code: 'assurance', limit: 'phr, phrh' },
    { field: 'auth.authAt', code: 'assurance', limit: 300_500 },
  ];
  await page.refuse(Object.assign(new Error('engine'), { cause: problem(401, 'requirements', { problems }) }));
  const next = aPage(JSON.parse(JSON.stringify(page.kept)) as HeldDecision[]);
  expect(next.queue.of('r1')).toMatchObject({
    state: 'refused',
    reason: 'enough',
    ttlMs: 900_000,
    refusal: { stepUp: { acrValues: 'phr phrh', maxAge: 300 } },
  });
  next.advance(UNDO_MS);
  next.queue.flush();
  expect(next.sent).toEqual([]);
  expect(next.queue.decide(decision('r1'))).toBe(true);
  next.advance(UNDO_MS);
  expect(next.sent).toEqual(['r1']);
});

it('what a closed page had not answered is looked up at the next visit', async () => {
  const page = aPage();
  page.queue.decide(decision('r1'));
  page.queue.flush();
  const visit = async (isRecorded: boolean | undefined) => {
    const next = aPage(page.kept);
    expect(stateOf(next)).toBe('unanswered');
    next.isRecorded = isRecorded;
    await next.queue.check();
    return [stateOf(next), next.kept.length, next.log, next.sent];
  };
  expect(await visit(true)).toEqual([undefined, 0, ['recorded r1'], []]);
  expect(await visit(false)).toEqual(['refused', 1, ['refused r1'], []]);
  expect(await visit(undefined)).toEqual(['unanswered', 0, [], []]);
});

it('a decision that arrives after its look-up is found by the next one', async () => {
  const page = aPage([{ ...decision('r1'), state: 'sending' }]);
  page.isRecorded = false;
  await page.queue.check();
  await page.queue.check();
  expect(page.log).toEqual(['refused r1']);
  page.isRecorded = true;
  await page.queue.check();
  expect(page.log).toEqual(['refused r1', 'recorded r1']);
});

it('a look-up does not change a decision that was made again in the meantime', async () => {
  const page = aPage([{ ...decision('r1'), state: 'waiting' }]);
  page.isRecorded = true;
  const looking = page.queue.check();
  page.queue.decide(decision('r1', { verdict: 'deny' }));
  await looking;
  expect(page.queue.of('r1')).toMatchObject({ state: 'waiting', verdict: 'deny' });
});

it.each([undefined, 500, 503])('the status %s leaves the outcome open', async (status) => {
  const page = aPage();
  page.queue.decide(decision('r1'));
  page.advance(UNDO_MS);
  await page.refuse(status === undefined ? new HttpClientError('no answer') : problem(status, 'timeout'));
  expect(stateOf(page)).toBe('unanswered');
});

it('a page that gets another caller sends nothing, and drops the answers that still arrive', async () => {
  const page = aPage();
  page.queue.decide(decision('r1'));
  page.advance(UNDO_MS);
  page.queue.decide(decision('r2'));
  const { kept } = page;
  page.queue.close();
  page.advance(UNDO_MS);
  page.queue.flush();
  await page.refuse(problem(412, 'caller-changed'));
  expect([page.sent, page.log, page.queue.held.value]).toEqual([['r1'], [], []]);
  expect(page.kept).toBe(kept);
  expect(page.queue.decide(decision('r3'))).toBe(false);
});

it('[C6] says after 10 seconds that no answer has arrived, and after 30 asks whether the decision is recorded', async () => {
  const page = aPage();
  page.queue.decide(decision('r1'));
  page.advance(UNDO_MS);
  page.advance(9_999);
  expect([stateOf(page), page.queue.of('r1')?.isLate]).toEqual(['sending', undefined]);
  page.advance(1);
  expect([stateOf(page), page.queue.of('r1')?.isLate]).toEqual(['sending', true]);
  page.isRecorded = true;
  page.advance(20_000);
  await settled();
  expect([stateOf(page), page.log]).toEqual([undefined, ['unanswered r1', 'recorded r1']]);
  // The call was not ended. Its answer changes nothing, and counts for no later decision.
  page.queue.decide(decision('r1', { decidedAt: 1 }));
  await page.answer();
  expect([stateOf(page), page.log]).toEqual(['waiting', ['unanswered r1', 'recorded r1']]);
});

it('[C6] says that a decision is not recorded if the request lacks it after 30 seconds, and takes an answer that comes later', async () => {
  const page = aPage();
  page.queue.decide(decision('r1'));
  page.advance(UNDO_MS);
  page.isRecorded = false;
  page.advance(30_000);
  await settled();
  expect(page.queue.of('r1')).toMatchObject({ state: 'refused', refusal: { name: 'unrecorded' } });
  await page.answer();
  expect([stateOf(page), page.log.at(-1)]).toEqual([undefined, 'recorded r1']);
});

const many = (count: number, more: Partial<Decision> = {}) => Array.from({ length: count }, (_, i) => decision(`r${i}`, more));

it('several decisions are sent four at a time, and those that wait can still be undone', async () => {
  const page = aPage();
  for (const one of many(7)) page.queue.decide(one);
  page.advance(UNDO_MS);
  expect(page.sent).toEqual(['r0', 'r1', 'r2', 'r3']);
  expect(page.queue.undo('r4')).toBe(true);
  await page.answer();
  expect(page.sent).toEqual(['r0', 'r1', 'r2', 'r3', 'r5']);
  await page.refuse(problem(409, 'decided'));
  expect(page.sent.at(-1)).toBe('r6');
  for (let i = 0; i < 5; i++) await page.answer();
  expect(page.log).toEqual(['recorded r0', 'refused r1', ...['r2', 'r3', 'r5', 'r6'].map((id) => `recorded ${id}`)]);
});

it('a call without an answer makes room for the next after thirty seconds', () => {
  const page = aPage();
  for (const one of many(5)) page.queue.decide(one);
  page.advance(UNDO_MS);
  expect(page.sent).toHaveLength(4);
  page.advance(30_000);
  expect(page.sent).toHaveLength(5);
});

it('a page that is left sends what browsers do not drop, and keeps the rest as not recorded', async () => {
  const page = aPage();
  // A comment has up to 2,000 characters; those of some languages have three bytes each.
  for (const one of many(20, { comment: '審'.repeat(2_000) })) page.queue.decide(one);
  page.queue.flush();
  const bytes = page.sent.length * 6_000;
  expect([bytes > 36_000, bytes <= 48 * 1_024]).toEqual([true, true]);
  const next = aPage(page.kept);
  next.isRecorded = false;
  await next.queue.check();
  expect(next.sent).toEqual([]);
  expect(page.sent.length + page.kept.filter(({ state }) => state === 'waiting').length).toBe(20);
  expect(stateOf(next, 'r19')).toBe('refused');
  // A page that was only hidden sends them one after another.
  for (let i = 0; i < 20; i++) await page.answer();
  expect(new Set(page.sent).size).toBe(20);
});
