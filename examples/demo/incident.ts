import assert from 'node:assert/strict';
import {
  callbackSink,
  formatEntry,
  isJitError,
  JitEngine,
  MemoryGrantStore,
  reviewers,
  startSweeper,
  type AuditEntry,
  type Clock,
  type Duration,
} from 'jit-access';
import {
  journalHead,
  readJournal,
  verifyJournal,
} from 'jit-access/journal';
import { badge, exactTime } from './badge.js';
import { Database, type DatabaseScope } from './database.js';
import type { Page } from './page.js';

const MAYA = 'user:maya';
/** The secondary on-call. */
const NOOR = 'user:noor';
const WRITE = 'db-prod:write';

/** What the incident needs of the world. */
export interface World {
  readonly clock: Clock;
  readonly sleepUntil: (instant: number) => Promise<void>;
  readonly page: Page;
  /** How long the access lasts. */
  readonly ttl: Duration;
}

/**
 * The on-call incident, from "may I?" to "who could?". Each step is asserted: one that goes otherwise throws.
 */
export async function playIncident({
  clock,
  sleepUntil,
  page,
  ttl,
}: World): Promise<void> {
  const store = new MemoryGrantStore();
  let sawEnd: (entry: AuditEntry) => void;
  const ended = new Promise<AuditEntry>((resolve) => (sawEnd = resolve));
  const engine = new JitEngine<DatabaseScope>({
    store,
    clock,
    approver: reviewers({ name: 'on-call', members: [MAYA, NOOR] }),
    standing: { [MAYA]: ['*:read'] },
    audit: callbackSink('demo', (entries) => {
      const end = entries.find((entry) => entry.type === 'grant.expired');
      if (end !== undefined) sawEnd(end);
    }),
  });
  const database = new Database(engine);
  const showBadge = async (expected: RegExp) => {
    const text = badge(await engine.status(MAYA));
    assert.match(text, expected);
    page.result('bold', `[${text}]`);
  };

  page.title('Orders are stuck, and user:maya is on call');
  page.step(MAYA, 'holds standing *:read, and nothing else');
  const stuck = await database.countStuckOrders(MAYA);
  assert.equal(stuck, 1138);
  page.result('green', `reads: ${stuck} orders are stuck`);
  await assertRefused(() => database.releaseStuckOrders(MAYA, stuck));
  page.result('red', 'writes: the database refuses');
  await showBadge(/^read-only$/);

  page.title('She asks for one scope and one short window');
  const asked = await engine.requestAccess({
    subject: MAYA,
    scope: WRITE,
    ttl,
    justification: 'release the orders that are stuck',
    ticket: 'INC-4711',
  });
  assert.equal(asked.outcome, 'pending');
  assert.deepEqual(asked.outcome === 'pending' && asked.reviewers, [NOOR]);
  page.step(MAYA, `requests ${WRITE}, citing ${asked.request.ticket}`);
  page.result(
    'yellow',
    `pending: ${NOOR} may review it, she herself may not`,
  );
  assert.equal(await engine.isAllowed(MAYA, WRITE), false);
  page.step(MAYA, 'is it allowed?');
  page.result('red', 'no');

  page.title('The secondary on-call approves, in one call');
  const decided = await engine.approve(asked.request.id, {
    by: NOOR,
    reason: 'seen the dashboards',
  });
  assert.ok(decided.outcome === 'granted');
  const [grant] = decided.grants;
  assert.ok(grant !== undefined);
  page.step(NOOR, 'approves');
  await showBadge(/^admin \(expires \d\d:\d\d:\d\d\)$/);
  const { at: wroteAt } = await engine.assertAllowed(MAYA, WRITE);
  assert.equal(await database.releaseStuckOrders(MAYA, stuck), 0);
  page.step(MAYA, 'releases the orders');
  page.result('green', 'writes: done, 0 orders are stuck');
  const exportedHead = await journalHead(engine);

  page.title('No one revokes anything');
  page.line(`... until ${exactTime(grant.expiresAt)}`, 'dim');
  await sleepUntil(grant.expiresAt);
  const late = await engine.check(MAYA, WRITE);
  assert.equal(late.allowed, false);
  assert.equal(
    (await engine.getRequest(asked.request.id))?.grants[0]?.end,
    undefined,
    'no sweep may have run yet',
  );
  page.step(MAYA, 'is it allowed?');
  page.result('red', 'no: the window has passed, and no sweep has run');
  await assertRefused(() => database.releaseStuckOrders(MAYA, 1));
  page.result('red', 'writes: the database refuses');

  page.title('A sweep records the end');
  const sweeper = startSweeper(engine, { every: '1s' });
  const end = await ended;
  await sweeper.stop();
  assert.equal(end.grantId, grant.id);
  assert.equal(
    (await engine.getRequest(asked.request.id))?.grants[0]?.end?.at,
    grant.expiresAt,
  );
  page.step(
    'sweeper',
    `records that the grant ended at ${exactTime(grant.expiresAt)}`,
  );
  await showBadge(/^read-only$/);

  page.title('The journal');
  // The whole id, in every line and twice in some, would push what is worth reading off the screen.
  const short = (line: string) =>
    line.replaceAll(asked.request.id, asked.request.id.slice(0, 8));
  const entries: AuditEntry[] = [];
  for await (const entry of readJournal(store)) entries.push(entry);
  for (const entry of entries)
    page.line(`${String(entry.seq)}  ${short(formatEntry(entry))}`);
  assert.deepEqual(
    entries.map((entry) => entry.type),
    [
      'request.created',
      'request.assigned',
      'request.reviewed',
      'request.approved',
      'grant.issued',
      'grant.expired',
    ],
  );
  const verified = await verifyJournal(entries, { head: exportedHead });
  assert.equal(verified.ok, true);
  page.line();
  page.line(
    `verified: ${entries.length} entries, unbroken, and they hold the head that was exported while she wrote`,
    'green',
  );

  page.title(
    `Who had ${WRITE} at ${exactTime(wroteAt)}, the moment of the write?`,
  );
  const { items } = await engine.whoHadAccess({
    scope: WRITE,
    at: wroteAt,
  });
  assert.deepEqual(
    items.map((held) => held.subject),
    [MAYA],
  );
  for (const held of items)
    page.line(
      `${held.subject}, from ${exactTime(held.startsAt)} to ${exactTime(held.expiresAt)}`,
      'green',
    );
  const afterwards = await engine.whoHadAccess({
    scope: WRITE,
    at: grant.expiresAt,
  });
  assert.deepEqual(afterwards.items, []);
  page.line(
    `And at ${exactTime(grant.expiresAt)}, when the window had passed? No one.`,
  );
  page.line();

  await engine.close();
}

async function assertRefused(
  attempt: () => Promise<unknown>,
): Promise<void> {
  await assert.rejects(
    attempt,
    (error) => isJitError(error) && error.code === 'ERR_JIT_DENIED',
  );
}
