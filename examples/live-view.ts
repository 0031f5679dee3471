/*
 * Two processes of one service in one program: an engine that decides, and a process that only enforces, with a live view. The view
 * answers without a promise. The store notifies it of each change, and it denies by itself when the store no longer answers.
 */
import { JitEngine, MemoryGrantStore, reviewers } from 'jit-access';
import { FaultyStore, ManualClock } from 'jit-access/testing';
import { createView } from 'jit-access/view';

const clock = new ManualClock();
const database = new MemoryGrantStore({ namespace: 'shop' });
const connection = new FaultyStore(database);

const engine = new JitEngine({
  store: database,
  approver: reviewers({ members: ['user:sam'] }),
  clock,
});
// Without `onError`, the outage below would print a line to the console.
const onError = () => undefined;
const view = createView({
  store: connection,
  clock,
  maxStaleMs: 1_000,
  onError,
});
const mayWrite = () => {
  const { allowed, reason } = view.check('user:maya', 'db-prod:write');
  return `${allowed ? 'yes' : 'no'} (${reason})`;
};

console.log('before it is loaded:', mayWrite());
await view.refresh();
const { request } = await engine.requestAccess({
  subject: 'user:maya',
  scope: 'db-prod:write',
  ttl: '15m',
  justification: 'INC-204',
});
await engine.approve(request.id, { by: 'user:sam' });
await view.refresh();
console.log('after the approval: ', mayWrite());

connection.inject('all', { fault: 'reject' });
await clock.advance(999);
console.log('999 ms without the database: ', mayWrite());
await clock.advance(1);
console.log('1,000 ms without the database:', mayWrite());

connection.clear();
await engine.revokeAll({ subject: 'user:maya' }, { by: 'user:sam' });
await view.refresh();
console.log('after the revoke:   ', mayWrite());

view.close();
await engine.close();
