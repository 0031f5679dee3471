import type { JitEngine } from '../../../index.js';
import { ANA, KOSTA, LEE, MAYA, ROBOT, SAM, ZED } from './people.js';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Something that happens at an instant of the history. */
export interface Step {
  readonly at: number;
  readonly run: () => Promise<unknown>;
}

/** What a step may use. A key is given to each record, so that its id is the same each time. */
export interface History {
  readonly engine: JitEngine;
  /** Now of the viewer: the end of the history. */
  readonly until: number;
  /** Adds a step. Steps of one instant run in the order in which they were added. */
  readonly plan: (at: number, run: Step['run']) => void;
  /** The next idempotency key. */
  readonly key: () => string;
}

/** What happened in the last days, so that each view has something to show at the end of the history. */
export function playLastDays(history: History): void {
  planLocks(history);
  planBreakGlass(history);
  planHeld(history);
  planPending(history);
}

function planLocks({ engine, until, plan, key }: History): void {
  const locks = { zed: key(), payments: key(), ledger: key() };
  plan(until - 6 * DAY, () =>
    engine.lock({ subject: ZED }, { by: SAM, reason: 'The contract has ended, and the laptop is not back', idempotencyKey: locks.zed }),
  );
  plan(until - 50 * HOUR, async () => {
    const by = { by: SAM, reason: 'Keys of the payment provider are replaced', idempotencyKey: locks.payments };
    const { lock } = await engine.lock({ scope: 'payments:**' }, by);
    plan(until - 48 * HOUR, () => engine.unlock(lock.id, { by: SAM, reason: 'The new keys are in use' }));
  });
  plan(until - 3 * HOUR, () =>
    engine.lock(
      { scope: 'db-prod:ledger:*' },
      { by: SAM, reason: 'A restore is tested', until: until + 21 * HOUR, idempotencyKey: locks.ledger },
    ),
  );
}

/** One use that was not justified, one whose review is overdue, and one whose review is due today. */
function planBreakGlass({ engine, until, plan, key }: History): void {
  const use = (at: number, subject: string, scope: string, justification: string, review?: 'justified' | 'unjustified') => {
    const ask = { subject, scope, ttl: 30 * MINUTE, justification, ticket: 'INC-4698', idempotencyKey: key() };
    plan(at, async () => {
      const { request } = await engine.breakGlass(ask);
      plan(at + 4 * MINUTE, () => engine.check(subject, scope));
      if (review === undefined) return;
      const reason = review === 'justified' ? 'No reviewer had answered for 20 minutes' : 'Ana was reachable and had not been called';
      plan(at + 5 * HOUR, () => engine.reviewBreakGlass(request.id, { by: SAM, verdict: review, reason }));
    });
  };
  use(until - 16 * DAY, MAYA, 'db-prod:orders:write', 'The checkout is down, and no reviewer answers', 'justified');
  use(until - 9 * DAY, LEE, 'db-prod:customers:read', 'A customer waits on the phone', 'unjustified');
  use(until - 45 * HOUR, LEE, 'db-prod:orders:write', 'Orders are lost since 02:40. The phone of the database team is not answered');
  use(until - 9 * HOUR, MAYA, 'db-prod:billing:write', 'Invoices go out with the wrong tax, one each second');
}

/** What people hold now, hold later, and no longer hold since today. */
function planHeld({ engine, until, plan, key }: History): void {
  interface Held {
    readonly at: number;
    readonly subject: string;
    readonly scope: string;
    readonly ttl: number;
    readonly justification: string;
    readonly ticket?: string;
    readonly startsAt?: number;
    readonly by?: string;
    readonly narrow?: number;
  }
  const hold = ({ at, by, narrow, ...ask }: Held, then: (grantId: string) => void = () => undefined) => {
    const keyed = { ...ask, idempotencyKey: key() };
    plan(until - at, async () => {
      const { request, outcome } = await engine.requestAccess(keyed);
      if (outcome === 'pending' && by !== undefined) {
        const approval = { by, ...(narrow !== undefined && { ttl: narrow, comment: 'Two hours are enough for the export.' }) };
        plan(until - at + 6 * MINUTE, () => engine.approve(request.id, approval));
      }
      plan(until - at + 9 * MINUTE, () => engine.check(ask.subject, ask.scope));
      then(`${request.id}.1`);
    });
  };
  hold(
    { at: 7 * HOUR, subject: LEE, scope: 'db-prod:customers:read', ttl: 4 * HOUR, justification: 'Compare two exports', by: KOSTA },
    (grantId) => plan(until - 6 * HOUR, () => engine.revoke(grantId, { by: SAM, reason: 'The export went to a private folder' })),
  );
  hold({ at: 5 * HOUR, subject: MAYA, scope: 'db-staging:orders:write', ttl: 4 * HOUR, justification: 'Try the repair' }, (grantId) =>
    plan(until - 2 * HOUR, () => engine.release(grantId, { by: MAYA })),
  );
  hold({ at: 100 * MINUTE, subject: LEE, scope: 'logs:checkout', ttl: 8 * HOUR, justification: 'Follow INC-4711 in the logs' });
  hold({ at: 90 * MINUTE, subject: ROBOT, scope: 'logs:release', ttl: 2 * HOUR, justification: 'Release 2026.48' });
  hold({
    ...{ at: 76 * MINUTE, subject: LEE, scope: 'db-prod:customers:read', ttl: 4 * HOUR, by: ANA, narrow: 2 * HOUR },
    justification: 'Export the customers that INC-4711 concerns',
  });
  hold({
    ...{ at: 44 * MINUTE, subject: MAYA, scope: 'db-prod:orders:write', ttl: HOUR, ticket: 'INC-4711', by: ANA },
    justification: 'Orders wait for a payment that has arrived. Release them by hand, and watch the queue',
  });
  hold({
    ...{ at: 3 * HOUR, subject: MAYA, scope: 'db-prod:inventory:write', ttl: 2 * HOUR, ticket: 'INC-4690', by: KOSTA },
    ...{ startsAt: until + 15 * HOUR, justification: 'Correct the stock while the shop is closed' },
  });
}

/** What waits for a decision. */
function planPending({ engine, until, plan, key }: History): void {
  const ask = (minutes: number, subject: string, scope: string, ttl: number, more: object) => ({
    at: until - minutes * MINUTE,
    ask: { subject, scope, ttl: ttl * MINUTE, idempotencyKey: key(), ...more },
  });
  const keys = { question: key(), answer: key() };
  const denied = ask(20 * 60, LEE, 'db-prod:billing:write', 120, {
    ...{ ticket: 'INC-4702', justification: 'Change the tax of yesterday' },
  });
  plan(denied.at, async () => {
    const { request } = await engine.requestAccess(denied.ask);
    plan(denied.at + 11 * MINUTE, () => engine.deny(request.id, { by: KOSTA, reason: 'Finance must decide this first.' }));
  });

  const found = ask(27 * 60, LEE, 'db-prod:inventory:read', 60, { justification: 'The stock of one article is wrong' });
  plan(found.at, async () => {
    const { request } = await engine.requestAccess(found.ask);
    plan(found.at + 5 * MINUTE, () => engine.cancel(request.id, { by: LEE, reason: 'It is in the logs' }));
  });

  const rootKey = ask(52, MAYA, 'vault:root-key', 15, { ticket: 'INC-4711', justification: 'Sign the replaced payment certificate' });
  plan(rootKey.at, async () => {
    const { request } = await engine.requestAccess(rootKey.ask);
    plan(rootKey.at + 20 * MINUTE, () => engine.approve(request.id, { by: ANA, comment: 'I have the certificate here.' }));
  });

  const billing = ask(15, LEE, 'db-prod:billing:write', 60, { ticket: 'INC-4711', justification: 'Correct the tax: finance agrees' });
  plan(billing.at, async () => {
    const { request } = await engine.requestAccess(billing.ask);
    const [question, answer] = ['Which invoices?', 'Those of 02:00 to 02:40, 212 in all.'];
    plan(until - 9 * MINUTE, () => engine.comment(request.id, { by: KOSTA, text: question, idempotencyKey: keys.question }));
    plan(until - 7 * MINUTE, () => engine.comment(request.id, { by: LEE, text: answer, idempotencyKey: keys.answer }));
  });

  const others = [
    ask(110, LEE, 'db-prod:inventory:read', 240, { requestedBy: ANA, justification: 'Lee takes over the stock numbers' }),
    ask(31, KOSTA, 'db-prod:customers:read', 60, { justification: 'Check the index after the upgrade' }),
    ask(8, ROBOT, 'deploy:prod', 30, { ticket: 'CHG-2210', metadata: { region: 'eu' }, justification: 'Release 2026.48' }),
    ask(4, MAYA, 'db-prod:customers:read', 30, { ticket: 'INC-4711', justification: 'Call the customers whose orders were lost' }),
  ];
  for (const { at, ask: asked } of others) plan(at, () => engine.requestAccess(asked));
}
