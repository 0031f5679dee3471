import { JitEngine, MemoryGrantStore } from 'jit-access';
import { accessReport, readJournal } from 'jit-access/journal';
import { definePolicy } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';

/** A night on call: from the ask, over break-glass and more time, to the review in the morning and the report. */
const night = Date.UTC(2026, 2, 3, 2, 10);
const clock = new ManualClock(night);
const store = new MemoryGrantStore();
const engine = new JitEngine({
  clock,
  store,
  approver: definePolicy({
    groups: {
      'on-call': ['user:maya'],
      dba: ['user:ana', 'user:kim'],
      leads: ['user:rob'],
    },
    rules: [
      {
        id: 'production',
        scopes: ['db-prod:*'],
        subjects: [{ group: 'on-call' }],
        maxTtl: '1h',
        maxTotal: '2h',
        require: { ticket: 'INC-####' },
        review: {
          groups: { dba: 1 },
          escalate: { to: 'leads', after: '10m' },
        },
      },
    ],
    breakGlass: [
      {
        id: 'outage',
        scopes: ['db-prod:*'],
        subjects: [{ group: 'on-call' }],
        maxTtl: '15m',
        reviewers: ['leads'],
        reviewWithin: '1d',
      },
    ],
  }),
});

const SCOPE = 'db-prod:orders';
const time = () => new Date(clock.now()).toISOString().slice(11, 16);
const note = (text: string) => console.log(`${time()} ${text}`);

async function main() {
  // 02:10: the pager. Maya asks, and the reviewers are asleep.
  const ask = {
    subject: 'user:maya',
    scope: SCOPE,
    ttl: '1h',
    ticket: 'INC-4711',
    justification: 'orders are stuck',
  } as const;
  const asked = await engine.requestAccess(ask);
  note(`asked: ${asked.outcome}`);

  // 02:14: the outage spreads. Break-glass gives access at once, for a quarter of an hour. It overtakes the request, which ends.
  await clock.advance('4m');
  const emergency = await engine.breakGlass({
    ...ask,
    ttl: '15m',
    justification: 'INC-4711: checkout is down, no reviewer answers',
  });
  note(
    `break-glass until ${new Date(emergency.grants[0]!.expiresAt).toISOString().slice(11, 16)}`,
  );
  await engine.assertAllowed('user:maya', SCOPE);

  // 02:16: the repair will take longer than that. She asks again, for regular access.
  await clock.advance('2m');
  const again = await engine.requestAccess({
    ...ask,
    justification: 'repair the orders after the outage',
  });
  note(`asked again: ${again.outcome}`);

  // 02:27: the request has escalated, and a lead approves it. The regular access outlives the emergency.
  await clock.advance('11m');
  await engine.sweep();
  const approved = await engine.approve(again.request.id, {
    by: 'user:rob',
    reason: 'on the call with Maya',
  });
  note(`approved by a lead: ${approved.outcome}`);

  // 03:10: it takes longer than planned. More time is a new request, with a decision of its own.
  await clock.advance('43m');
  if (approved.outcome !== 'granted') throw new Error(approved.outcome);
  const [grant] = approved.grants;
  const more = await engine.extend(grant!.id, {
    ttl: '30m',
    requestedBy: 'user:maya',
    ticket: 'INC-4711',
    justification: 'the repair is running',
  });
  const extended = await engine.approve(more.request.id, {
    by: 'user:ana',
  });
  note(`more time: ${extended.outcome}`);

  // 03:30: repaired. Maya releases the access, and with it the time that is left.
  await clock.advance('20m');
  for (const one of [
    grant!,
    ...(extended.outcome === 'granted' ? extended.grants : []),
  ])
    await engine.release(one.id, { by: 'user:maya' });
  note(`released, allowed: ${await engine.isAllowed('user:maya', SCOPE)}`);

  // 09:00: the review of the break-glass use. Until then, Maya cannot use break-glass again.
  await clock.set(Date.UTC(2026, 2, 3, 9));
  await engine.sweep();
  for await (const { request } of engine.inbox('user:rob', {
    of: 'breakGlass',
  })) {
    await engine.reviewBreakGlass(request.id, {
      by: 'user:rob',
      verdict: 'justified',
      reason: 'the checkout was down',
    });
    note(`reviewed: ${request.justification}`);
  }

  // The report of the incident, from the journal alone.
  const report = await accessReport(readJournal(store), {
    from: night,
    to: clock.now(),
  });
  const held = Math.round(report.heldMs / 60_000);
  console.log(
    `held ${SCOPE} for ${held} min; decided by people: ${report.decisions.byPeople}, by break-glass: ${report.decisions.byBreakGlass}`,
  );
  for await (const { at, type, actor } of readJournal(store))
    console.log(
      `  ${new Date(at).toISOString().slice(11, 16)} ${type} ${actor}`,
    );
}

void main();
