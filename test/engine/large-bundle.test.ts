import { describe, expect, it } from 'vitest';
import { MAX_CHANGE } from '../../src/core/change-size.js';
import { MemoryGrantStore, type AccessRequest, type Grant, type JitEngine } from '../../src/index.js';
import { decodeGrant, encode, makeGrant } from '../../src/records/index.js';
import { aChange, FaultyStore, ScriptedApprover } from '../../src/testing.js';
import { ANA, anEngine, entriesOf, HOUR, LEE, MAYA, MINUTE, refusal } from './an-engine.js';

const SCOPES = Array.from({ length: 50 }, (_, i) => `s${i + 1}`);
/** Together with the first grants, one grant more than a change holds next to the rows of a review. */
const EXTENSIONS = 20;

/** Extends a grant this many times, as approvals would: a chain has at most 50 grants. */
async function extend(store: MemoryGrantStore, first: Grant): Promise<void> {
  const ids = Array.from({ length: EXTENSIONS }, (_, i) => `${first.id.replace('.', '-')}-${i + 1}.1`);
  const links = [first.id, ...ids];
  const grants = links.map((id, i) => {
    const startsAt = first.startsAt + i * 15 * MINUTE;
    return makeGrant({
      ...first,
      id,
      version: i === 0 ? 2 : 1,
      requestId: id.split('.')[0] as string,
      startsAt,
      activatedAt: i === 0 ? first.activatedAt : undefined,
      expiresAt: startsAt + 15 * MINUTE,
      extends: links[i - 1],
      successors: links.slice(i + 1, i + 2).map((grantId) => ({ grantId, at: first.issuedAt })),
    });
  });
  const unchanged = [{ kind: 'grant', id: first.id, version: 1 }];
  expect(await store.commit(aChange({ expect: unchanged, put: grants.map(encode) }))).toMatchObject({ outcome: 'committed' });
}

/** Break-glass access to 50 scopes, each with a chain of extensions: more grants than one change may write. */
async function aLargeBundle() {
  const inner = new MemoryGrantStore();
  const store = new FaultyStore(inner);
  const approver = new ScriptedApprover({
    breakGlass: { outcome: 'approve', reviewWithinMs: 24 * HOUR },
    mayReviewBreakGlass: (reviewer) => [LEE, ANA].includes(reviewer),
  });
  const { engine, clock } = anEngine({ approver, store });
  const { request } = await engine.breakGlass({ subject: MAYA, scopes: SCOPES, ttl: 15 * MINUTE, justification: 'the region is down' });
  const rows = await inner.get(SCOPES.map((_, i) => ({ kind: 'grant', id: `${request.id}.${i + 1}` })));
  for (const row of rows) if (row !== undefined) await extend(inner, decodeGrant(row));
  const grants = async (): Promise<readonly Grant[]> => {
    const found: Grant[] = [];
    for (let after: string | undefined, isLast = false; !isLast;) {
      const page = await inner.find({ kind: 'grant', limit: 500, after });
      found.push(...page.items.map(decodeGrant));
      after = page.next;
      isLast = after === undefined;
    }
    return found;
  };
  expect((await grants()).length).toBeGreaterThan(MAX_CHANGE.rows);
  const isPending = async () =>
    (await engine.listRequests({ afterReview: 'pending' })).items.some((item) => item.request.id === request.id);
  return { engine, clock, store, request, grants, isPending };
}

const review = (engine: JitEngine, { id }: AccessRequest, by = LEE) =>
  engine.reviewBreakGlass(id, { by, verdict: 'unjustified', reason: 'nothing was down' });

describe('an unjustified break-glass review that one change cannot hold', () => {
  it('L12 L42 ends every grant and its chain, the oldest first, and records the verdict last', async () => {
    const { engine, store, request, grants, isPending } = await aLargeBundle();
    const reviewed = await review(engine, request);
    expect(reviewed.afterReview?.breakGlassReview).toMatchObject({ by: LEE, verdict: 'unjustified' });
    expect(await isPending()).toBe(false);
    const ends = (await grants()).map(({ id, end }) => [id.startsWith(`${request.id}.`) ? 'unjustified' : 'origin_ended', end?.cause]);
    for (const [expected, cause] of ends) expect(cause).toBe(expected);
    const entries = (await entriesOf(store)).filter(({ type }) => type === 'grant.revoked' || type === 'breakGlass.reviewed');
    expect(entries.at(-1)?.type).toBe('breakGlass.reviewed');
    expect(entries.filter(({ type }) => type === 'breakGlass.reviewed')).toHaveLength(1);
    const firsts = entries.flatMap(({ grantId }) => (grantId?.startsWith(`${request.id}.`) === true ? [grantId] : []));
    expect(firsts).toEqual(SCOPES.map((_, i) => `${request.id}.${i + 1}`));
    expect(new Set(entries.map(({ id }) => id.split('.')[0])).size).toBe(51);
  });

  it('L12 L31 names the grants that it ended and those that it left, stays pending, and ends the rest when repeated', async () => {
    const { engine, clock, store, request, grants, isPending } = await aLargeBundle();
    const commit = store.commit.bind(store);
    let commits = 0;
    store.commit = async (change) => {
      if ((commits += 1) > 10) throw new Error('the process dies');
      return commit(change);
    };
    const error = await refusal(review(engine, request), 'ERR_JIT_PARTIAL');
    expect(error.ended.grants).toHaveLength(10 * (EXTENSIONS + 1));
    expect(error.failures.map(({ id }) => id)).toEqual(SCOPES.slice(10).map((_, i) => `${request.id}.${i + 11}`));
    expect(await isPending()).toBe(true);
    expect(await engine.isAllowed(MAYA, 's10')).toBe(false);
    expect(await engine.isAllowed(MAYA, 's11')).toBe(true);
    const before = (await grants()).filter(({ end }) => end !== undefined);
    expect(before.map(({ id }) => id).sort()).toEqual(error.ended.grants.map(({ id }) => id).sort());

    store.commit = commit;
    await clock.advance(MINUTE);
    expect((await review(engine, request)).afterReview?.breakGlassReview?.verdict).toBe('unjustified');
    const after = new Map((await grants()).map((grant) => [grant.id, grant]));
    expect([...after.values()].every(({ end }) => end?.status === 'revoked')).toBe(true);
    for (const grant of before) expect(after.get(grant.id)).toEqual(grant);
    expect(await isPending()).toBe(false);
  });

  it('L19 ends nothing more once another reviewer has given the verdict', async () => {
    const { engine, store, request, grants } = await aLargeBundle();
    const commit = store.commit.bind(store);
    let commits = 0;
    store.commit = async (change) => {
      commits += 1;
      if (commits === 4) await engine.reviewBreakGlass(request.id, { by: ANA, verdict: 'justified' });
      return commit(change);
    };
    const error = await refusal(review(engine, request), 'ERR_JIT_PARTIAL');
    expect(error.failures[0]?.error).toMatchObject({ code: 'ERR_JIT_DECIDED' });
    expect(error.ended.grants).toHaveLength(3 * (EXTENSIONS + 1));
    expect((await grants()).filter(({ end }) => end !== undefined)).toHaveLength(3 * (EXTENSIONS + 1));
  });
});
