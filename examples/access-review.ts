// What was granted in January, what of it was used, and a shorter window for each rule.
import { JitEngine, MemoryGrantStore } from 'jit-access';
import { accessReport, readJournal } from 'jit-access/journal';
import { definePolicy } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';

const policy = definePolicy({
  rules: [
    {
      id: 'database',
      scopes: ['db-prod:write'],
      approve: true,
      maxTtl: '4h',
    },
    {
      id: 'refunds',
      scopes: ['billing:refund'],
      approve: true,
      maxTtl: '1h',
    },
  ],
});

const clock = new ManualClock(Date.UTC(2026, 0, 1, 9));
const store = new MemoryGrantStore();
const engine = new JitEngine({
  clock,
  store,
  approver: policy,
  recordUse: true,
});

const minutes = (ms: number) => `${Math.round(ms / 60_000)} min`;

async function main() {
  // Maya works on the database for 25 minutes, each Monday, and asks for four hours.
  for (let week = 0; week < 4; week++) {
    await clock.set(Date.UTC(2026, 0, 5 + 7 * week, 9));
    await engine.requestAccess({
      subject: 'user:maya',
      scope: 'db-prod:write',
      ttl: '4h',
    });
    await engine.requestAccess({
      subject: 'user:lee',
      scope: 'billing:refund',
      ttl: '1h',
    });
    for (let minute = 0; minute <= 25; minute += 5) {
      await engine.assertAllowed('user:maya', 'db-prod:write');
      await clock.advance('5m');
    }
    // The engine writes in the background.
    await clock.advance('15m');
    await engine.sweep();
  }
  await clock.set(Date.UTC(2026, 1, 1));
  await engine.sweep();
  await engine.close();

  const span = {
    from: Date.UTC(2026, 0, 1),
    to: Date.UTC(2026, 1, 1),
    recordsUse: true,
  };
  const { use, rules } = await accessReport(readJournal(store), span);
  console.log(
    `${use.grants} grants: ${use.used} used, ${use.neverUsed} never used`,
  );
  for (const {
    rule,
    grants,
    used,
    longestTtlMs,
    longestUseMs,
    proposedMaxTtlMs,
  } of rules) {
    const longest =
      longestUseMs === undefined
        ? 'no use'
        : `longest use ${minutes(longestUseMs)}`;
    const proposal =
      proposedMaxTtlMs === undefined
        ? ''
        : `: maxTtl ${minutes(proposedMaxTtlMs)} is enough`;
    console.log(
      `${rule}: ${used} of ${grants} used, window ${minutes(longestTtlMs)}, ${longest}${proposal}`,
    );
  }
}

void main();
