import { describe, expect, it } from 'vitest';
import type { HttpPermission } from '../../../src/http.js';
import { exactScopes, patternScopes } from '../../../src/index.js';
import { aService, EVE, MAYA, policy, SEC } from './world.js';

describe('the views of a page', () => {
  it('[A7] hide the actions about which `may` throws, and report that once', async () => {
    const may = ({ action, target }: HttpPermission): boolean =>
      action === 'lock' || action === 'revoke' ? (target.subject as string).startsWith('user:') : action === 'history';
    const { send, errors } = aService({ http: { may } });
    const { status, body } = await send('GET', '/me/views', { as: SEC });
    expect([status, body]).toEqual([200, { actions: ['history'], patterns: true, breakGlass: false }]);
    expect(errors).toEqual([expect.any(TypeError)]);
    // A call about a target is asked again, and judged by its own answer.
    expect((await send('POST', '/locks', { as: SEC, body: { scope: 'db-prod:*', reason: 'INC-9' } })).status).toBe(503);
  });

  it('[A7] are 503 while `may` throws about each action, which is reported once, and not an empty menu', async () => {
    const may = (): never => {
      throw new TypeError('down');
    };
    const { send, errors } = aService({ http: { may } });
    expect((await send('GET', '/me/views', { as: SEC })).status).toBe(503);
    expect(errors.filter((error) => error instanceof TypeError)).toHaveLength(1);
  });

  it('say whether lists take a pattern, to a caller who may read such a list', async () => {
    const may = ({ caller, action }: HttpPermission): boolean => caller.subject === SEC && action === 'listGrants';
    const asked = async (scopes: typeof patternScopes, as: string) =>
      (await aService({ engine: { scopes }, http: { may } }).send('GET', '/me/views', { as })).body;
    expect(await asked(patternScopes, SEC)).toEqual({ actions: ['listGrants'], patterns: true, breakGlass: false });
    expect(await asked(exactScopes, SEC)).toMatchObject({ patterns: true });
    expect(await asked({ ...patternScopes, name: 'mine' }, SEC)).toMatchObject({ patterns: false });
    expect(await asked(patternScopes, MAYA)).toEqual({ actions: [], patterns: false, breakGlass: true });
  });

  it('[C4] say whether the rules give the caller any access in an emergency, also while a lock refuses it', async () => {
    const { send, engine } = aService();
    const of = async (as: string) => ((await send('GET', '/me/views', { as })).body as { breakGlass?: boolean }).breakGlass;
    expect([await of(MAYA), await of(EVE)]).toEqual([true, false]);
    await engine.lock({ subject: MAYA }, { by: SEC, reason: 'INC-9' });
    expect(await of(MAYA)).toBe(true);
  });

  it('[C4] say nothing about emergencies while the approver cannot list them, and report that', async () => {
    const failure = new Error('down');
    const approver = { ...policy(), requestable: () => Promise.reject(failure) };
    const { send, errors } = aService({ engine: { approver } });
    const { status, body } = await send('GET', '/me/views', { as: MAYA });
    expect([status, body]).toEqual([200, { actions: [], patterns: false }]);
    expect(errors).toContainEqual(expect.objectContaining({ code: 'ERR_JIT_APPROVER' }));
  });
});
