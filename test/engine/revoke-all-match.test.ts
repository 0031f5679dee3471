import { journalHead } from 'jit-access/journal';
import { preview } from 'jit-access/explain';
import { describe, expect, it } from 'vitest';
import { autoApprove, patternScopes } from '../../src/index.js';
import { aGranted, anEngine, aPending, ask, LEE, MAYA, refusal, SAM } from './an-engine.js';

const CISO = { by: 'user:ciso' };

describe('the report of revokeAll', () => {
  it('says where a scope overlaps nothing, and lists the open scopes that begin with the same segment', async () => {
    const { engine } = anEngine();
    await aGranted(engine, { scope: 'db-prod:write' });
    await aPending(engine, { scopes: ['db-prod:read', 'db-test:read'] });
    const report = await engine.revokeAll({ scope: 'db-prod' }, CISO);
    expect(report).toEqual({ grants: [], requests: [], matched: false, similar: ['db-prod:read', 'db-prod:write'] });
    expect(await engine.isAllowed(MAYA, 'db-prod:write')).toBe(true);
  });

  it('lists nothing where a scope overlaps a record', async () => {
    const { engine } = anEngine();
    await aGranted(engine, { scope: 'db-prod:write' });
    await aGranted(engine, { scope: 'db-prod:read' });
    const report = await engine.revokeAll({ scope: 'db-prod:write' }, CISO);
    expect(report).toMatchObject({ matched: true, similar: [] });
    expect(report.grants).toHaveLength(1);
    expect(await engine.revokeAll({ scope: 'db-prod:**' }, CISO)).toMatchObject({ matched: true, similar: [] });
  });

  it('finds the scopes of another case, and of a pattern that is too short', async () => {
    const { engine } = anEngine({ scopes: patternScopes });
    await aGranted(engine, { scope: 'db-prod:orders:write' });
    for (const scope of ['DB-Prod:orders:write', 'db-prod:*', 'db-prod:orders']) {
      expect(await engine.revokeAll({ scope }, CISO)).toMatchObject({ matched: false, similar: ['db-prod:orders:write'] });
    }
    expect(await engine.revokeAll({ scope: 'web:**' }, CISO)).toMatchObject({ matched: false, similar: [] });
  });

  it('lists at most 10 scopes, each once', async () => {
    const { engine } = anEngine({ approver: autoApprove(() => true), limits: { maxTtl: '8h' } });
    for (let i = 0; i < 12; i++) {
      await ask(engine, { scope: `db:${i}` });
      await ask(engine, { subject: LEE, scope: `db:${i}` });
    }
    const { similar } = await engine.revokeAll({ scope: 'db' }, CISO);
    expect(similar).toHaveLength(10);
    expect(new Set(similar).size).toBe(10);
  });

  it('says for a subject and for a request, too, whether anything open was found', async () => {
    const { engine } = anEngine();
    const grant = await aGranted(engine, { scope: 'db-prod:write' });
    expect(await engine.revokeAll({ subject: 'user:maja' }, CISO)).toMatchObject({ matched: false, similar: [] });
    expect(await engine.revokeAll({ requestId: grant.requestId }, CISO)).toMatchObject({ matched: true });
    expect(await engine.revokeAll({ requestId: grant.requestId }, CISO)).toMatchObject({ grants: [], matched: false });
    expect(await engine.revokeAll({ subject: MAYA }, CISO)).toMatchObject({ matched: false });
  });

  it('counts a grant that has expired and that no sweep has recorded: it matched, and nothing was ended', async () => {
    const { engine, clock } = anEngine();
    await aGranted(engine, { scope: 'db-prod:write', ttl: '15m' });
    await clock.advance('1h');
    expect(await engine.revokeAll({ scope: 'db-prod:write' }, CISO)).toMatchObject({ grants: [], matched: true, similar: [] });
  });

  it('does not list a request that is open only for its break-glass review', async () => {
    const approver = {
      ...autoApprove(() => true),
      breakGlass: () => ({ outcome: 'approve' as const, reviewWithinMs: 3_600_000, reviewers: [SAM] }),
    };
    const { engine } = anEngine({ approver });
    await engine.breakGlass({ subject: MAYA, scope: 'db-prod:write', ttl: '15m', justification: 'the database is down' });
    await engine.revokeAll({ scope: 'db-prod:write' }, CISO);
    expect(await engine.revokeAll({ scope: 'db-prod' }, CISO)).toEqual({ grants: [], requests: [], matched: false, similar: [] });
  });
});

describe('an engine with exact scopes', () => {
  it.each([
    ['scope', { scope: 'db-prod:*' }],
    ['scope', { scope: '**' }],
    ['scopes[1]', { scopes: ['db-prod:read', 'db-prod:*'] }],
  ])('L21 refuses a pattern in an ask and names patternScopes: %s', async (argument, over) => {
    const { engine } = anEngine({ approver: autoApprove(() => true, { patterns: true }) });
    for (const asked of [
      ask(engine, over),
      preview(engine, { subject: MAYA, ttl: '15m', ...over }),
      engine.breakGlass({ subject: MAYA, ttl: '15m', justification: 'the database is down', ...over }),
    ]) {
      const error = await refusal(asked, 'ERR_JIT_INVALID_ARGUMENT');
      expect(error).toMatchObject({ argument });
      expect(error.message).toContain('`scopes: patternScopes`');
    }
    expect((await journalHead(engine)).seq).toBe(0);
  });

  it('L21 names no option where the text is no pattern either', async () => {
    const { engine } = anEngine();
    expect((await refusal(ask(engine, { scope: 'db-*' }), 'ERR_JIT_INVALID_ARGUMENT')).message).not.toContain('patternScopes');
  });
});
