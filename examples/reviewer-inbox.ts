import { JitEngine, MemoryGrantStore, type Approver } from 'jit-access';
import { ManualClock } from 'jit-access/testing';

/** The groups of each person, as a directory knows them. Each answer takes a few milliseconds. */
const DIRECTORY: Readonly<Record<string, readonly string[]>> = {
  'user:ana': ['dba', 'security'],
  'user:noor': ['security'],
  'user:kim': ['dba'],
};
let lookUps = 0;
async function groupsFromDirectory(
  person: string,
): Promise<readonly string[]> {
  lookUps += 1;
  await new Promise((resolve) => setTimeout(resolve, 5));
  return DIRECTORY[person] ?? [];
}

/** One of dba and one of security must approve. */
const approver: Approver = {
  name: 'two-teams',
  decide: () => ({
    outcome: 'review',
    quorum: {
      groups: [
        { name: 'dba', approvals: 1 },
        { name: 'security', approvals: 1 },
      ],
    },
  }),
  groupsOf: (reviewer) => groupsFromDirectory(reviewer),
  // The groups depend only on the reviewer, so one question to the directory answers for a whole inbox.
  async groupsOfAll(reviewer, requests) {
    const groups = await groupsFromDirectory(reviewer);
    return requests.map(() => groups);
  },
};

const clock = new ManualClock();
const engine = new JitEngine({
  store: new MemoryGrantStore(),
  approver,
  clock,
});

async function main() {
  for (let i = 1; i <= 200; i++) {
    await engine.requestAccess({
      subject: `user:dev-${i}`,
      scope: 'db-prod:write',
      ttl: '30m',
      ticket: i % 2 === 0 ? 'INC-1' : 'INC-2',
    });
    await clock.advance('1s');
  }

  // The inbox: the first due first, a page at a time.
  lookUps = 0;
  const page = await engine.inbox('user:noor', { limit: 3 });
  for (const { request, missingInWords } of page.items)
    console.log(`${request.subject}: ${missingInWords}`);
  // user:dev-1: 1 more of dba and 1 more of security
  // user:dev-2: 1 more of dba and 1 more of security
  // user:dev-3: 1 more of dba and 1 more of security
  console.log(`${lookUps} look-up in the directory`); // 1 look-up in the directory

  const first = page.items[0]!.request;
  await engine.approve(first.id, { by: 'user:noor' });
  const [item] = (await engine.inbox('user:kim', { limit: 1 })).items;
  console.log(`${item?.request.subject}: ${item?.missingInWords}`); // user:dev-1: 1 more of dba
  await engine.approve(first.id, { by: 'user:kim' });

  // All pages.
  let waiting = 0;
  for await (const { groups } of engine.inbox('user:kim'))
    waiting += groups.includes('dba') ? 1 : 0;
  console.log(`${waiting} wait for dba`); // 199 wait for dba

  // A list for a page: the newest requests of a ticket, with the outcome of each.
  const { items, next } = await engine.listRequests({
    ticket: 'INC-2',
    from: clock.now() - 10_000,
    limit: 2,
  });
  console.log(
    items.map(({ subject, outcome }) => `${subject} ${outcome}`).join(', '),
  ); // user:dev-199 pending, user:dev-197 pending
  console.log(next !== undefined); // true

  const outcomeOfFirst = async () =>
    (await engine.getRequest(first.id))?.outcome;
  console.log(await outcomeOfFirst()); // granted
  await clock.advance('31m');
  console.log(await outcomeOfFirst()); // ended
}

void main();
