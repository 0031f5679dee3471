import assert from 'node:assert/strict';
import {
  JitEngine,
  MemoryGrantStore,
  reviewers,
  wasHeldAt,
} from 'jit-access';
import {
  journalHead,
  readJournal,
  replay,
  verifyJournal,
  verifyStore,
} from 'jit-access/journal';
import { ManualClock } from 'jit-access/testing';

/** Who had what, and when: an incident on 14 March, and the questions that an auditor asks about it in May. */
const clock = new ManualClock(Date.UTC(2026, 2, 14, 2));
const store = new MemoryGrantStore();
const engine = new JitEngine({
  clock,
  store,
  approver: reviewers({ members: ['user:sam', 'user:ana'] }),
});

const time = (at: number) => new Date(at).toISOString().slice(11, 16);

async function theNight() {
  const { request } = await engine.requestAccess({
    subject: 'user:maya',
    scope: 'db-prod:write',
    ttl: '2h',
    ticket: 'INC-4711',
  });
  await clock.advance('10m');
  await engine.approve(request.id, {
    by: 'user:sam',
    reason: 'the index is corrupt',
  }); // 02:10 to 04:10
  await clock.advance('20m');
  const other = await engine.requestAccess({
    subject: 'user:lee',
    scope: 'db-prod:write',
    ttl: '1h',
    ticket: 'INC-4711',
  });
  const decided = await engine.approve(other.request.id, {
    by: 'user:ana',
  }); // 02:30 to 03:30
  await clock.advance('15m');
  if (decided.outcome === 'granted')
    await engine.revoke(decided.grants[0]!.id, {
      by: 'user:ciso',
      reason: 'wrong person',
    }); // at 02:45
  await clock.advance('6h');
  await engine.sweep();
}

async function main() {
  await theNight();
  // Exported that night to a place that no writer of the store can change.
  const exported = await journalHead(engine);
  await clock.set(Date.UTC(2026, 4, 4, 9));

  // 1. Who could write to the database at 02:40, and at 02:50?
  for (const at of [
    Date.UTC(2026, 2, 14, 2, 40),
    Date.UTC(2026, 2, 14, 2, 50),
  ]) {
    const { items } = await engine.whoHadAccess({
      scope: 'db-prod:write',
      at,
    });
    const who = items.map((grant) => grant.subject).toSorted();
    console.log(`at ${time(at)}: ${who.join(', ')}`);
  }

  // 2. Who held it that night, from when to when, and how did it end?
  const night = {
    from: Date.UTC(2026, 2, 13, 18),
    to: Date.UTC(2026, 2, 14, 6),
  };
  const { items } = await engine.listGrants({
    covering: 'db-prod:write',
    during: night,
  });
  for (const { subject, startsAt, end } of items.toSorted(
    (a, b) => a.startsAt - b.startsAt,
  )) {
    console.log(
      `${subject}: ${time(startsAt)} to ${time(end!.at)}, ${end!.cause} by ${end!.by}`,
    );
  }

  // 3. What was known at 02:20, before any request for lee? Answered from the journal, without the store's rows.
  const then = Date.UTC(2026, 2, 14, 2, 20);
  const { requests, grants, usages } = await replay(
    readJournal(store),
    then,
  );
  const held = [...grants.values()].filter((grant) =>
    wasHeldAt(grant, then, usages.get(grant.id)),
  );
  const [request] = requests.values();
  console.log(
    `known at ${time(then)}: ${held[0]!.subject}, for ${request!.ticket}, approved by ${request!.end!.by}`,
  );
  assert.deepEqual([requests.size, held.length], [1, 1]);

  // 4. Is this the journal that was written that night, and are the rows what it says?
  const verified = await verifyJournal(readJournal(store), {
    head: exported,
  });
  const { ok, rows, differences } = await verifyStore(store, {
    head: exported,
  });
  console.log(
    `the journal is ${verified.ok ? 'whole' : 'broken'}; ${rows} rows compared, ${differences.length} differ`,
  );
  assert.ok(ok);

  // 5. And if a person with the database's password had extended lee's access until the morning?
  const [row] = (
    await store.find({ kind: 'grant', subject: 'user:lee', limit: 1 })
  ).items;
  const { end: _end, ...body } = row!.body;
  const morning = Date.UTC(2026, 2, 14, 9);
  const forged = {
    ...row!,
    version: row!.version + 1,
    until: morning,
    body: { ...body, expiresAt: morning },
  };
  await store.commit({
    id: 'by hand',
    expect: [row!],
    put: [forged],
    append: [],
  });
  const [difference, ...others] = (
    await verifyStore(store, { head: exported })
  ).differences;
  assert.deepEqual(
    [difference?.kind, difference?.id, others],
    ['grant', row!.id, []],
  );
  console.log(
    `${difference!.kind} of ${row!.subject}: ${difference!.problem.match(/[\w.]+(?= is [^;]* \(journal:)/g)!.join(', ')} differ from the journal`,
  );
}

void main();
