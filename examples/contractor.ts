import { isJitError, JitEngine, MemoryGrantStore } from 'jit-access';
import { accessReport, readJournal } from 'jit-access/journal';
import { definePolicy } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';

const SCOPE = 'billing:migration';

const policy = definePolicy({
  groups: { leads: ['user:rob', 'user:ana'] },
  rules: [
    {
      id: 'year-end-freeze',
      scopes: ['billing:**'],
      when: {
        firstDay: '2026-12-19',
        lastDay: '2027-01-03',
        timeZone: 'Europe/Berlin',
      },
      deny: 'billing is frozen over the end of the year',
    },
    {
      // The contract: working hours, on working days, until the end of March.
      id: 'contractor',
      scopes: [SCOPE],
      subjects: [{ like: 'contractor:*' }],
      when: {
        ...{
          days: ['mon', 'tue', 'wed', 'thu', 'fri'],
          from: '09:00',
          to: '18:00',
          timeZone: 'Europe/Berlin',
        },
        lastDay: '2027-03-31',
      },
      maxTtl: '9h',
      require: { fields: { change: { form: 'CHG-####' } } },
      review: { groups: { leads: 1 } },
    },
  ],
});

async function main() {
  for (const { message } of policy.lint()) console.warn(message);
  // Thursday, 16:00 in Berlin.
  const clock = new ManualClock(Date.parse('2026-12-17T15:00Z'));
  const store = new MemoryGrantStore();
  const engine = new JitEngine({
    approver: policy,
    clock,
    store,
    limits: { maxTtl: '9h', maxStartAhead: '30d' },
  });
  const ask = {
    subject: 'contractor:kim',
    scope: SCOPE,
    metadata: { change: 'CHG-0042' },
  } as const;

  // Three hours would last until 19:00, and the change is missing: one error names both problems.
  await refused(() =>
    engine.requestAccess({
      ...ask,
      ttl: '3h',
      metadata: { change: 'soon' },
    }),
  );

  // Two hours fit. The lead decides after 30 minutes, so the access lasts the 90 minutes that are left.
  const { request } = await engine.requestAccess({ ...ask, ttl: '2h' });
  await clock.advance('30m');
  const decided = await engine.approve(request.id, { by: 'user:rob' });
  if (decided.outcome === 'granted')
    console.log('granted until', asText(decided.grants[0]!.expiresAt));
  await clock.advance('2h');
  console.log('19:00 -', (await engine.check(ask.subject, SCOPE)).allowed);

  // On Friday evening the next start is Monday. But the freeze begins on Saturday.
  await clock.set(Date.parse('2026-12-18T19:00Z'));
  await refused(() => engine.requestAccess({ ...ask, ttl: '1h' }));
  await refused(() =>
    engine.requestAccess({
      ...ask,
      ttl: '1h',
      startsAt: Date.parse('2026-12-21T08:00Z'),
    }),
  );
  const january = await engine.requestAccess({
    ...ask,
    ttl: '9h',
    startsAt: Date.parse('2027-01-04T08:00Z'),
  });
  await engine.approve(january.request.id, { by: 'user:ana' });
  await clock.set(Date.parse('2027-01-04T09:00Z'));
  await engine.sweep();
  console.log(
    '4 January, 10:00 -',
    (await engine.check(ask.subject, SCOPE)).allowed,
  );
  await clock.set(Date.parse('2027-01-04T17:00Z'));
  await engine.sweep();

  const report = await accessReport(readJournal(store), {
    from: Date.parse('2026-12-01T00:00Z'),
    to: clock.now(),
  });
  for (const { scope, heldMs } of report.scopes)
    console.log('report:', scope, heldMs / 3_600_000, 'hours');
  await engine.close();
}

async function refused(call: () => Promise<unknown>) {
  try {
    await call();
  } catch (error) {
    if (!isJitError(error) || error.code !== 'ERR_JIT_REQUIREMENTS')
      throw error;
    for (const { rule, field, code, limit } of error.problems)
      console.log('refused:', rule, field, code, asText(limit));
  }
}

const asText = (limit: string | number | undefined) =>
  typeof limit === 'number' ? new Date(limit).toISOString() : limit;

void main();
