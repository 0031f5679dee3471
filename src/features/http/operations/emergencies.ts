import { countLock, countRevocation } from '../../../engine/endings/count-ends.js';
import { parseLock, type LockTarget } from '../../../engine/endings/locks.js';
import type { RevokeAllTarget } from '../../../engine/endings/revoke-all.js';
import { limitedBy } from '../../../kernel/call-limit.js';
import { operation } from '../operation.js';
import { idOf } from '../identity.js';
import { forbidden } from '../permission.js';
import * as answers from '../schemas/answers.js';
import * as bodies from '../schemas/bodies.js';
import * as records from '../schemas/records.js';

/* What ends the access of others: only if `may` permits it. */

const area = 'emergencies and audit';

/** Without the fields that the body omits: the engine counts the fields of a target. */
const defined = <T extends object>(target: T): T =>
  Object.fromEntries(Object.entries(target).filter(([, value]) => value !== undefined)) as T;

export const revokeAll = operation({
  id: 'revokeAll',
  method: 'POST',
  path: '/revocations',
  area,
  summary: 'Ends all access of a subject, a scope, a request or a ticket, and cancels its pending requests. `dryRun` only counts both.',
  access: 'may',
  body: bodies.revocation,
  answer: answers.revokeAnswer,
  example: { body: { ticket: 'INC-204', reason: 'the incident has ended' } },
  async run(call) {
    const { reason, dryRun, ...given } = call.body;
    const target = { ...given, subject: idOf(call, 'subject', given.subject) };
    const { subject, scope, requestId, ticket } = target;
    if (!(await call.may('revokeAll', { subject, scopes: scope === undefined ? undefined : [scope], requestId, ticket })))
      throw forbidden();
    const named = defined(target) as RevokeAllTarget;
    if (dryRun === true) return { body: await countRevocation(call.kernel, named) };
    return { body: await call.engine.revokeAll(named, limitedBy(call.limit, { by: call.self, reason })) };
  },
});

export const lock = operation({
  id: 'lock',
  method: 'POST',
  path: '/locks',
  area,
  summary: 'Locks a subject or a scope: ends its access, and refuses every ask until the lock ends. `dryRun` only counts what it ends.',
  access: 'may',
  body: bodies.locking,
  keyed: true,
  status: 201,
  answer: answers.lockAnswer,
  example: { body: { subject: 'user:eve', reason: 'INC-9: laptop stolen' } },
  async run(call) {
    const { reason, until, dryRun, ...given } = call.body;
    const target = { ...given, subject: idOf(call, 'subject', given.subject) };
    const { subject, scope } = target;
    if (!(await call.may('lock', { subject, scopes: scope === undefined ? undefined : [scope] }))) throw forbidden();
    const named = defined(target) as LockTarget;
    const options = { by: call.self, reason, until, idempotencyKey: call.key };
    if (dryRun === true) return { status: 200, body: await countLock(call.kernel, parseLock(call.kernel, named, options)) };
    const locked = await call.engine.lock(named, limitedBy(call.limit, options));
    return { status: locked.reused ? 200 : 201, body: locked };
  },
});

export const listLocks = operation({
  id: 'listLocks',
  method: 'GET',
  path: '/locks',
  area,
  summary: 'The open locks, in the order in which they were set.',
  access: 'may',
  answer: answers.locks,
  async run(call) {
    if (!(await call.may('listLocks', {}))) throw forbidden();
    return { body: { items: await call.engine.listLocks() } };
  },
});

export const unlock = operation({
  id: 'unlock',
  method: 'POST',
  path: '/locks/{lockId}/unlock',
  area,
  summary: 'Lifts a lock. It restores no access.',
  access: 'may',
  body: bodies.withReason,
  answer: records.lockWithStatus,
  example: { path: { lockId: '{lockId}' }, body: { reason: 'INC-9: laptop replaced' } },
  async run(call) {
    const lockId = call.path.lockId ?? '';
    if (!(await call.may('unlock', { lockId }))) throw forbidden();
    return { body: await call.engine.unlock(lockId, limitedBy(call.limit, { by: call.self, reason: call.body.reason })) };
  },
});
