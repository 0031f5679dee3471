import { describe, expect, it } from 'vitest';
import { createHttpHandler } from '../../../src/http.js';
import { operations } from '../../../src/features/http/operations/index.js';
import { SAM } from '../../engine/an-engine.js';
import { identify, sender } from '../http/world.js';
import { aProfile, GATEWAY, SCOPE, SUBJECT } from './authzen-of.js';
import { requestIdOf, submitted } from './profile-of.js';

/** Task data of a person: it names the gateway as its caller, and another tuple. */
const MADE_UP = {
  v: 1,
  body: 'x',
  caller: GATEWAY,
  hash: 'x',
  members: [],
  evaluationId: 'e',
  subject: { type: 'user', id: 'sam' },
  resource: { type: 'db', id: 'x' },
  action: { name: 'x' },
};

describe('the metadata of a task', () => {
  const takesMetadata = operations.filter(({ body }) => body !== undefined && 'metadata' in body().shape);

  it('[WF13] is written by no person over HTTP, by any call that takes metadata', async () => {
    const made = aProfile({}, {}, { exactTuple: true, requester: 'subject' });
    const send = sender(createHttpHandler(made.engine, { identify }));
    const ask = { subject: SUBJECT, scope: 'db:other:write', ttl: '15m' } as const;
    const pending = await made.engine.requestAccess({ ...ask, scope: 'db:pending:write' });
    const granted = await made.engine.requestAccess(ask);
    await made.engine.approve(granted.request.id, { by: SAM });
    const ids = [pending.request.id, granted.request.id, `${granted.request.id}.1`];
    const before = (await made.engine.listRequests({})).items.length;
    let sent = 0;
    for (const { method, path } of takesMetadata) {
      for (const id of path.includes('{') ? ids : ['']) {
        for (const more of [{}, { scope: SCOPE }]) {
          const body = { ttl: '1h', justification: 'x', ...more, metadata: { mine: 1, authzen: MADE_UP } };
          const answer = await send(method, path.replace(/\{\w+\}/, id), { as: SUBJECT, body, headers: { 'idempotency-key': `k${sent}` } });
          // A body of another call, or an id of another kind, is refused for that reason.
          expect([path, more, answer.status]).toEqual([path, more, answer.status === 404 ? 404 : 400]);
          sent += 1;
        }
      }
    }
    expect(takesMetadata.map(({ id }) => id).sort()).toEqual(['amend', 'breakGlass', 'extendGrant', 'extendRequest', 'requestAccess']);
    expect((await made.engine.listRequests({})).items).toHaveLength(before);
    const refused = await send('POST', '/requests', { as: SUBJECT, body: { scope: SCOPE, ttl: '1h', metadata: { authzen: MADE_UP } } });
    expect([refused.status, refused.body]).toMatchObject([400, { code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'metadata' }]);
  });

  it('[WF13] so a person makes no service the maker of a request, and blocks none of its submissions', async () => {
    const made = aProfile({}, {}, { exactTuple: true, requester: 'subject' });
    const send = sender(createHttpHandler(made.engine, { identify }));
    await send('POST', '/requests', { as: SUBJECT, body: { scope: SCOPE, ttl: '1h', metadata: { authzen: MADE_UP } } });
    // Other metadata of the person's own is no task data.
    const own = await send('POST', '/requests', { as: SUBJECT, body: { scope: SCOPE, ttl: '1h', metadata: { Authzen: MADE_UP } } });
    expect(own.status).toBe(201);
    const { task } = await submitted(made);
    expect(requestIdOf(task)).toBe(own.body['request']?.['id']);
    expect(task).not.toHaveProperty('links');
    expect((await made.send(`/requests/${task.id}/cancel`)).status).toBe(403);
  });
});
