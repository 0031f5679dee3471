import assert from 'node:assert/strict';
import { JitEngine, MemoryGrantStore } from 'jit-access';
import { definePolicy } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

async function main() {
  const clock = new ManualClock(); // midnight
  const onShift = new Set(['user:maya']);
  const policy = definePolicy({
    groups: {
      platform: ['user:ana'],
      // Code, so it is asked again each time: at the ask, at the approval, and once more at the start.
      'on-shift': { isMember: (person) => onShift.has(person) },
    },
    rules: [
      {
        id: 'maintenance',
        scopes: ['db-prod:maintain'],
        subjects: [{ group: 'on-shift' }],
        maxStartAhead: '2d',
        review: { groups: { platform: 1 } },
      },
    ],
  });
  const engine = new JitEngine({
    store: new MemoryGrantStore(),
    clock,
    approver: policy,
  });
  const tonight = clock.now() + 22 * HOUR;
  const ask = {
    subject: 'user:maya',
    scope: 'db-prod:maintain',
    ttl: '2h',
    startsAt: tonight,
  } as const;
  const reason = async () =>
    (await engine.check('user:maya', 'db-prod:maintain')).reason;

  // Asked and approved in daylight, for 22:00 to 24:00. Until then it gives nothing.
  const asked = await engine.requestAccess(ask);
  const approved = await engine.approve(asked.request.id, {
    by: 'user:ana',
  });
  assert.ok(approved.outcome === 'granted' && approved.grants[0]);
  assert.deepEqual(
    [approved.grants[0].startsAt, approved.grants[0].expiresAt],
    [tonight, tonight + 2 * HOUR],
  );
  console.log(await reason()); // not_started

  // The first check at or after the start asks whether she may still hold it, and records the start. No sweeper is needed.
  await clock.set(tonight);
  console.log(await reason()); // granted
  await clock.set(tonight + 2 * HOUR);
  console.log(await reason()); // no_grant

  // The same for tomorrow, but the decision comes half an hour late: it gives the rest of the window, and does not move the end.
  const tomorrow = tonight + 24 * HOUR;
  const late = await engine.requestAccess({ ...ask, startsAt: tomorrow });
  await clock.set(tomorrow + 30 * MINUTE);
  const lateApproved = await engine.approve(late.request.id, {
    by: 'user:ana',
  });
  assert.ok(lateApproved.outcome === 'granted' && lateApproved.grants[0]);
  assert.equal(lateApproved.grants[0].expiresAt, tomorrow + 2 * HOUR);
  console.log(
    `late: ${(lateApproved.grants[0].expiresAt - clock.now()) / MINUTE} minutes are left`,
  );

  // And once more; but then she goes off shift before it starts.
  await clock.set(tomorrow + 2 * HOUR);
  const third = await engine.requestAccess({
    ...ask,
    startsAt: tomorrow + 24 * HOUR,
  });
  await engine.approve(third.request.id, { by: 'user:ana' });
  onShift.delete('user:maya');
  await clock.set(tomorrow + 24 * HOUR);
  console.log(await reason()); // no_grant
  const { grants } = (await engine.getRequest(third.request.id))!;
  assert.equal(grants[0]?.end?.cause, 'ineligible');
  console.log(`revoked: ${grants[0].end.reason}`);
}

void main();
