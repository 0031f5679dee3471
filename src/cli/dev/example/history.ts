import { JitEngine, patternScopes, type AccessAsk, type Clock, type GrantStore } from '../../../index.js';
import { ANA, KOSTA, LEE, MAYA, policy } from './people.js';
import { DAY, HOUR, MINUTE, playLastDays, type History, type Step } from './last-days.js';

/** What engineers do in the month: the scope, the window, why, and how long the work takes, in minutes. */
const WORK: readonly { readonly scope: string; readonly ttl: number; readonly why: string; readonly work: number }[] = [
  { scope: 'db-prod:orders:write', ttl: 60, why: 'Release the orders that wait for a payment', work: 22 },
  { scope: 'db-prod:orders:read', ttl: 240, why: 'Find why two orders have the same number', work: 35 },
  { scope: 'db-prod:customers:read', ttl: 120, why: 'A customer cannot change the address', work: 18 },
  { scope: 'db-prod:billing:write', ttl: 120, why: 'Refund an invoice that was sent twice', work: 14 },
  { scope: 'db-prod:inventory:read', ttl: 240, why: 'The stock of the web shop is wrong', work: 40 },
  { scope: 'logs:checkout', ttl: 480, why: 'Slow checkout in the morning', work: 90 },
  { scope: 'db-staging:orders:write', ttl: 240, why: 'Try the migration', work: 120 },
];

const DENIALS = ['The replica has the same data: ask for staging.', 'Not without the incident channel.', 'Wait for the release at 16:00.'];

/**
 * Writes a month of history that ends at an instant, into an empty store. It is the same each time, apart from the date.
 *
 * @param until epoch milliseconds: now, for the viewer
 */
export async function writeHistory(store: GrantStore, until: number): Promise<void> {
  const from = until - 30 * DAY;
  let now = from;
  const clock: Clock = {
    now: () => now,
    // Nothing wakes by itself: the sweep before each step does all that is due.
    sleep: (_until, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
  };
  const engine = new JitEngine({ store, clock, approver: policy(), scopes: patternScopes, recordUse: true });
  const steps: Step[] = [];
  let keys = 0;
  const history: History = {
    engine,
    until,
    key: () => `history-${String(++keys)}`,
    plan: (at, run) => {
      const behind = steps.findIndex((step) => step.at > at);
      steps.splice(behind < 0 ? steps.length : behind, 0, { at, run });
    },
  };
  planMonth(history, from);
  playLastDays(history);
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
    now = step.at;
    await engine.sweep();
    await step.run();
  }
  now = until;
  await engine.sweep();
  // Writes the uses that are not written yet.
  await engine.close();
}

/** One to three pieces of work of each engineer on each weekday, up to two days before the end. */
function planMonth(history: History, from: number): void {
  let state = 11;
  // A linear congruential generator: the numbers of an old textbook.
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let day = Math.ceil(from / DAY) * DAY; day < history.until - 3 * DAY; day += DAY) {
    if ([0, 6].includes(new Date(day).getUTCDay())) continue;
    for (const subject of [MAYA, LEE]) {
      let at = day + 8 * HOUR + draw(80) * MINUTE;
      for (let left = 1 + draw(3); left > 0; left--) {
        const piece = WORK[draw(WORK.length)] as (typeof WORK)[number];
        planPiece(history, { subject, at, piece, luck: draw(100), wait: 2 + draw(24), reviewer: draw(2) === 0 ? ANA : KOSTA, draw });
        at += (piece.work + 60 + draw(90)) * MINUTE;
      }
    }
  }
}

interface Piece {
  readonly subject: string;
  readonly at: number;
  readonly piece: (typeof WORK)[number];
  /** 0 to 99: what becomes of it. */
  readonly luck: number;
  /** Minutes until a reviewer answers. */
  readonly wait: number;
  readonly reviewer: string;
  readonly draw: (below: number) => number;
}

function planPiece({ engine, plan, key }: History, { subject, at, piece, luck, wait, reviewer, draw }: Piece): void {
  const { scope, why: justification, work } = piece;
  const ticket = `INC-${String(4_000 + draw(700))}`;
  const ask: AccessAsk = { subject, scope, ttl: piece.ttl * MINUTE, justification, ticket, idempotencyKey: key() };
  const denial = DENIALS[draw(DENIALS.length)] as string;
  const isReleased = luck < 55;
  plan(at, async () => {
    const { request, outcome } = await engine.requestAccess(ask);
    const start = outcome === 'granted' ? at : at + wait * MINUTE;
    if (outcome === 'pending') {
      if (luck >= 93) return;
      plan(start, () => {
        if (luck >= 87) return engine.cancel(request.id, { by: subject, reason: 'Found it in the logs' });
        if (luck >= 78) return engine.deny(request.id, { by: reviewer, reason: denial });
        return engine.approve(request.id, { by: reviewer, ...(luck < 12 && { ttl: '30m' }) });
      });
    }
    // The others never use what they hold.
    if (luck >= 72) return;
    for (const part of [3, work / 2, work]) plan(start + part * MINUTE, () => engine.check(subject, scope));
    if (isReleased) plan(start + (work + 1) * MINUTE, () => releaseHeld(engine, request.id, subject));
  });
}

/** Releases the grants of a request that are still held. */
async function releaseHeld(engine: JitEngine, requestId: string, by: string): Promise<void> {
  const found = await engine.getRequest(requestId);
  if (found?.grants.some(({ status }) => status === 'active') === true) await engine.release({ requestId }, { by });
}
