import { JitEngine, MemoryGrantStore } from 'jit-access';
import { readJournal, replay, verifyStore } from 'jit-access/journal';
import { definePolicy } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';

/** An access review at the end of a month: who held what, by whose decision, and what must end now. */
const from = Date.UTC(2026, 2, 1);
const to = Date.UTC(2026, 3, 1);
const clock = new ManualClock(from);
const store = new MemoryGrantStore();
const engine = new JitEngine({
  clock,
  store,
  approver: definePolicy({
    groups: { dba: ['user:ana', 'user:kim'] },
    rules: [
      {
        id: 'staging',
        scopes: ['db-staging:*'],
        maxTtl: '8h',
        approve: true,
      },
      {
        id: 'production',
        scopes: ['db-prod:*'],
        maxTtl: '8h',
        review: { groups: { dba: 1 } },
      },
      {
        id: 'legacy',
        scopes: ['ftp:*'],
        maxTtl: '8h',
        review: { groups: { dba: 1 } },
      },
    ],
  }),
});

/** March, with a grant that is still live when the month ends. */
async function march() {
  for (const [day, hour, subject, scope] of [
    [2, 9, 'user:maya', 'db-staging:orders'],
    [9, 9, 'user:maya', 'db-staging:orders'],
    [10, 9, 'user:maya', 'db-prod:orders'],
    [16, 9, 'user:maya', 'db-staging:orders'],
    [31, 20, 'user:lee', 'db-prod:orders'],
  ] as const) {
    await clock.set(Date.UTC(2026, 2, day, hour));
    const { outcome, request } = await engine.requestAccess({
      subject,
      scope,
      ttl: '8h',
      ticket: `INC-${4700 + day}`,
    });
    if (outcome === 'pending')
      await engine.approve(request.id, { by: 'user:kim' });
  }
  await clock.set(to);
  await engine.sweep();
}

/** Where people are kept. Yours would ask the directory. */
const isEmployed = (person: string) => person !== 'user:lee';

async function main() {
  await march();

  // The review rests on the records only if they agree with the journal.
  console.log(
    'the store agrees with its journal:',
    (await verifyStore(store)).ok,
  );

  // Who held what, and who decided: the reviewers, or the rule alone.
  const { requests, grants } = await replay(readJournal(store));
  const lines = new Map<
    string,
    { count: number; readonly deciders: Set<string> }
  >();
  for (const { subject, scope, requestId, startsAt } of grants.values()) {
    if (startsAt < from || startsAt >= to) continue;
    const line = lines.get(`${subject} ${scope}`) ?? {
      count: 0,
      deciders: new Set<string>(),
    };
    lines.set(`${subject} ${scope}`, line);
    const request = requests.get(requestId);
    line.count += 1;
    for (const { reviewer } of request?.reviews ?? [])
      line.deciders.add(reviewer);
    if (request?.reviews.length === 0)
      line.deciders.add(`rule ${request.rule}`);
  }
  for (const [who, { count, deciders }] of [...lines].sort())
    console.log(`${who}: ${count} times, by ${[...deciders].join(', ')}`);

  // Rules that gave nothing all month are candidates for removal.
  const used = new Set(
    [...requests.values()].flatMap(({ rule }) => rule ?? []),
  );
  for (const rule of ['staging', 'production', 'legacy'])
    if (!used.has(rule)) console.log(`unused rule: ${rule}`);

  // Live access of people who have left ends now. The rest ends by itself.
  const live = [];
  for await (const grant of engine.listGrants({ at: clock.now() }))
    live.push(grant);
  for (const subject of new Set(
    live
      .map((grant) => grant.subject)
      .filter((person) => !isEmployed(person)),
  )) {
    const { grants: ended } = await engine.revokeAll(
      { subject },
      { by: 'user:auditor', reason: 'review of March: has left' },
    );
    console.log(`${subject} has left: ${ended.length} grant ended`);
  }
  console.log(
    'live access:',
    live.length,
    'before,',
    (await engine.listGrants({ at: clock.now() })).items.length,
    'after',
  );
}

void main();
