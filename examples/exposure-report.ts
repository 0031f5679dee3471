import { JitEngine, MemoryGrantStore } from 'jit-access';
import { accessReport, readJournal } from 'jit-access/journal';
import { definePolicy } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';

const policy = definePolicy({
  groups: { dba: ['user:sam', 'user:kim'] },
  rules: [
    {
      id: 'staging',
      scopes: ['staging:deploy'],
      approve: true,
      maxTtl: '8h',
    },
    {
      id: 'production',
      scopes: ['db-prod:write'],
      maxTtl: '2h',
      review: { groups: { dba: 1 } },
    },
    {
      id: 'refunds',
      scopes: ['billing:refund'],
      approve: true,
      maxTtl: '4h',
      idleTtl: '30m',
    },
  ],
});

const clock = new ManualClock(Date.UTC(2026, 0, 1));
const store = new MemoryGrantStore();
const engine = new JitEngine({ clock, store, approver: policy });

/** January: every person deploys twice a week; sometimes one writes to the database, and asks for more time. */
async function january() {
  for (let day = 1; day <= 31; day++) {
    await clock.set(Date.UTC(2026, 0, day, 9));
    for (const [i, subject] of [
      'user:maya',
      'user:lee',
      'user:noor',
    ].entries()) {
      if ((day + i) % 7 < 2)
        await engine.requestAccess({
          subject,
          scope: 'staging:deploy',
          ttl: '4h',
        });
    }
    if (day % 5 === 0)
      await engine.requestAccess({
        subject: 'user:noor',
        scope: 'billing:refund',
        ttl: '4h',
      });
    if (day % 10 === 0) {
      const { request } = await engine.requestAccess({
        subject: 'user:maya',
        scope: 'db-prod:write',
        ttl: '1h',
      });
      await clock.advance(`${day}m`);
      const decided = await engine.approve(request.id, { by: 'user:sam' });
      await clock.advance('50m');
      if (decided.outcome !== 'granted') throw new Error(decided.outcome);
      if (day > 10) {
        const more = await engine.extend(decided.grants[0]!.id, {
          ttl: '30m',
          requestedBy: decided.request.requestedBy,
        });
        await (day === 20
          ? engine.approve(more.request.id, { by: 'user:kim' })
          : engine.deny(more.request.id, { by: 'user:kim' }));
      }
    }
    await engine.sweep();
  }
  await clock.set(Date.UTC(2026, 1, 1));
  await engine.sweep();
}

const hours = (ms: number) => `${(ms / 3_600_000).toFixed(1)} h`;
const minutes = (ms: number | undefined) =>
  ms === undefined ? '-' : `${Math.round(ms / 60_000)} min`;
const percent = (part: number | undefined) =>
  part === undefined ? '-' : `${(100 * part).toFixed(1)} %`;

/** Columns as wide as their widest cell, the first to the left and the numbers to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) =>
    Math.max(...rows.map((row) => row[i]!.length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) =>
          i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
        )
        .join('  '),
    )
    .join('\n');
}

async function main() {
  await january();
  const span = { from: Date.UTC(2026, 0, 1), to: Date.UTC(2026, 1, 1) };
  const { scopes, heldMs, standingMs, ratio, decisions, extensions } =
    await accessReport(readJournal(store), span);
  console.log(
    table([
      [
        'January 2026',
        'subjects',
        'grants',
        'held',
        'if standing',
        'share',
      ],
      ...scopes.map((one) => [
        one.scope,
        `${one.subjects}`,
        `${one.grants}`,
        hours(one.heldMs),
        hours(one.standingMs),
        percent(one.ratio),
      ]),
      ['all', '', '', hours(heldMs), hours(standingMs), percent(ratio)],
    ]),
  );
  console.log(
    `decided: ${decisions.decided}, of these by policy alone ${percent(decisions.policyShare)}`,
  );
  console.log(
    `median wait: ${minutes(decisions.medianWaitMs)}; for people ${minutes(decisions.medianReviewWaitMs)}`,
  );
  console.log(
    `more time was asked ${extensions.asked} times, and given ${extensions.given} times`,
  );
}

void main();
