import { reviewers, type AccessResult, type LockResult } from 'jit-access';
import { MINUTE, SECOND, type Scenario } from '../world/scenario.js';
import source from './lock.ts?raw';

export const lock: Scenario = {
  id: 'lock',
  title: 'A locked account',
  about: 'An account is stolen. A lock ends its access, and refuses every new ask until a person lifts the lock.',
  source,
  begin: { hour: 17, minute: 0 },
  lastsMs: 16 * MINUTE,
  subject: 'user:maya',
  scope: 'db-prod:write',
  reviewers: ['user:noor', 'user:sam'],
  windows: 2,
  sweeper: true,
  options: () => ({
    approver: reviewers({ members: ['user:noor', 'user:sam'] }),
  }),
  steps: ({ engine }) => {
    let first: AccessResult;
    let second: AccessResult;
    let locked: LockResult;
    return [
      {
        at: 10 * SECOND,
        says: 'Maya asks for an hour.',
        run: async () => {
          first = await engine.requestAccess({
            subject: 'user:maya',
            scope: 'db-prod:write',
            ttl: '1h',
            justification: 'rebuilding an index',
          });
        },
        expects: 'pending',
      },
      {
        at: MINUTE,
        says: 'Noor approves.',
        run: async () => {
          await engine.approve(first.request.id, { by: 'user:noor' });
        },
        expects: 'granted',
      },
      {
        at: 4 * MINUTE,
        says: 'A thief has Maya’s password. Lee from security locks her account, and her access ends at once.',
        run: async () => {
          locked = await engine.lock({ subject: 'user:maya' }, { by: 'user:lee', reason: 'stolen password' });
        },
        expects: 'locked',
      },
      {
        at: 5 * MINUTE,
        says: 'The thief tries to write, and the check says no.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:write');
        },
        expects: 'locked',
      },
      {
        at: 6 * MINUTE,
        says: 'The thief asks for access. The engine refuses before a reviewer can be deceived.',
        run: async () => {
          await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '1h' });
        },
        expects: 'ERR_JIT_LOCKED',
      },
      {
        at: 9 * MINUTE,
        says: 'Maya has a new password, and Lee lifts the lock.',
        run: async () => {
          await engine.unlock(locked.lock.id, { by: 'user:lee', reason: 'new password' });
        },
        expects: 'lifted',
      },
      {
        at: 10 * MINUTE,
        says: 'Her hour has not passed, and still the check says no: the end of a lock restores nothing.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:write');
        },
        expects: 'no_grant',
      },
      {
        at: 11 * MINUTE,
        says: 'So Maya asks again, for the rest of the work.',
        run: async () => {
          second = await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '30m' });
        },
        expects: 'pending',
      },
      {
        at: 13 * MINUTE,
        says: 'Sam calls her to be sure who asks, and approves.',
        run: async () => {
          await engine.approve(second.request.id, { by: 'user:sam' });
        },
        expects: 'granted',
      },
    ];
  },
};
