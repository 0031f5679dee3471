import { invalid, readOptions } from '../../core/parse.js';
import { MAX_EXCLUDED } from '../../core/requestable.js';
import { scopeLists } from '../../core/scope.js';
import { nextTurn } from '../../core/turns.js';
import type { JitEngine } from '../../engine/engine.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import type { Kernel } from '../../kernel/kernel.js';
import { loadReadableLocks } from '../../kernel/loading/locks.js';
import { isLockOpen, lockOn } from '../../lifecycle/lock.js';
import { agentOf } from '../../records/index.js';
import { readRequestable, type ParsedItem } from './requestable-answer.js';
import type { Requestable, RequestableList, RequestableOptions } from './requestable-types.js';
import { UsualWaits } from './usual-waits.js';

/**
 * Lists what a subject may ask for: the scopes with their windows, what an ask must contain, and who must approve. A form for
 * requests and an agent's list of tools are made from it. It records nothing.
 *
 * Gotcha: it gives no right and promises nothing, because each ask is decided by itself. The texts of rules and the names of
 * reviewers are for the subject and for people who may know them.
 *
 * @throws InvalidArgumentError, StoreError, ClockError, ClosedError;
 *   ApproverError `ERR_JIT_APPROVER` when the approver fails, gives no answer in time, or gives a malformed one
 * @example
 * for (const { scope, title, maxTtlMs } of (await requestable(engine, 'user:maya')).items) console.log(title ?? scope, maxTtlMs);
 */
export async function requestable<Scope extends string>(
  engine: JitEngine<Scope>,
  subject: string,
  options: RequestableOptions = {},
): Promise<RequestableList> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  const who = readAsker(kernel, subject, options);
  // As each ask of the list would (L39).
  await kernel.journalClock.confirm();
  const { items, complete } = await kernel.approver.requestable(who.subject, who, readRequestable);
  const lockOf = await loadLockTest(kernel, who);
  const usualWait = items.some(needsReviewers) ? await kernel.part(UsualWaits).read() : undefined;
  const { now: at } = kernel.clock.read();
  const { covers, overlaps } = scopeLists();
  const listed: Requestable[] = [];
  const emergencies = items.filter(({ outcome }) => outcome === 'break_glass');
  const impossible: string[] = [];
  let isComplete = complete;
  for (const [i, item] of items.entries()) {
    // With 2,000 items, each of them is compared with up to 2,000 others.
    if (i % ITEMS_A_TURN === ITEMS_A_TURN - 1) await nextTurn();
    const isEmergency = item.outcome === 'break_glass';
    const window = windowOf(kernel, item);
    if (window.minTtlMs > window.maxTtlMs) {
      if (!isEmergency) impossible.push(item.scope);
      continue;
    }
    const { locked, parts } = lockOf(item.scope);
    const refused = isEmergency ? [] : impossible.filter((scope) => overlaps(scope, item.scope));
    const except = [...new Set([...item.except, ...parts, ...refused])];
    if (except.length > MAX_EXCLUDED) {
      isComplete = false;
      continue;
    }
    const breakGlass = emergencies.some(
      (one) => covers(one.scope, item.scope) && !one.except.some((excluded) => overlaps(excluded, item.scope)),
    );
    listed.push(
      Object.freeze({
        ...item,
        ...window,
        except: Object.freeze(except),
        locked,
        patterns: item.patterns && !kernel.settings.scopes.exact,
        reviewers: item.reviewers && Object.freeze(kernel.approver.withoutAgents(item.reviewers)),
        usualWaitMs: needsReviewers(item) ? usualWait?.(item.approver, item.rule) : undefined,
        breakGlass,
      }),
    );
  }
  return Object.freeze({ items: Object.freeze(listed), complete: isComplete, at });
}

/** The number of items between two turns of the event loop (L42). */
const ITEMS_A_TURN = 32;

const needsReviewers = ({ outcome }: ParsedItem): boolean => outcome === 'review';

interface Who {
  readonly subject: string;
  readonly requestedBy: string;
  readonly operator: string | undefined;
}

function readAsker({ settings }: Kernel, subject: unknown, options: unknown): Who {
  const { requestedBy, operator } = readOptions<keyof RequestableOptions>('options', options, ['requestedBy', 'operator']);
  const id = settings.readId('subject', subject);
  const agent = agentOf(id);
  if (operator !== undefined && agent === undefined)
    throw invalid('operator', 'omitted unless the subject is the run of an agent', operator);
  return {
    subject: id,
    requestedBy: requestedBy === undefined ? (agent ?? id) : settings.readId('requestedBy', requestedBy),
    operator: operator === undefined ? undefined : settings.readId('operator', operator),
  };
}

/** The window of an item within the limits of the engine. */
function windowOf({ settings }: Kernel, { outcome, minTtlMs = 0, maxTtlMs = Infinity, maxStartAheadMs = Infinity }: ParsedItem) {
  const { limits } = settings;
  return {
    minTtlMs: Math.max(minTtlMs, limits.minTtlMs),
    maxTtlMs: Math.min(maxTtlMs, limits.maxTtlMs, limits.maxTotalMs),
    maxStartAheadMs: outcome === 'break_glass' ? 0 : Math.min(maxStartAheadMs, limits.maxStartAheadMs),
  };
}

/** Returns a function that says whether all of a scope is locked, and which locks reach a part of it. Unreadable locks deny everything. */
async function loadLockTest(kernel: Kernel, { subject, requestedBy, operator }: Who) {
  const locks = await loadReadableLocks(kernel, 'requestable');
  const { now } = kernel.clock.read();
  const isLocked = locks === undefined || lockOn(locks, { ids: [subject, requestedBy, operator], scopes: [] }, now) !== undefined;
  const scopes = locks?.row?.locks.flatMap((lock) => (isLockOpen(lock, now) ? (lock.scope ?? []) : [])) ?? [];
  const { covers } = scopeLists(kernel.settings.scopes);
  return (scope: string) => ({
    locked: isLocked || scopes.some((one) => covers(one, scope)),
    parts: scopes.filter((one) => locks?.overlaps(one, scope) === true),
  });
}
