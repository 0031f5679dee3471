import { readdirSync, readFileSync } from 'node:fs';
import { autoApprove, JitEngine, MemoryGrantStore, reviewers, startSweeper, type JitEngineOptions, type Limits } from 'jit-access';
import { accessRequests } from 'jit-access/authzen/access-request';
import { preview } from 'jit-access/explain';
import { approvalLinks } from 'jit-access/links';
import { definePolicy, type Policy, type PolicyDefinition } from 'jit-access/policy';
import { startRetention } from 'jit-access/retention';
import { ManualClock } from 'jit-access/testing';
import { verifyWebhook } from 'jit-access/webhook';
import { describe, expect, it } from 'vitest';
import { MIN_NUMBER_MS, readPause, readWindow } from '../../src/core/duration.js';
import { readTool } from '../../src/guards/ai/tool-run.js';
import { signerOf } from '../features/authzen/authzen-of.js';
import { aService, MAYA, SCOPE } from '../features/http/world.js';

/* [A12] A number below a minute looks like seconds, and is refused where a duration is asked for. */

const engineOf = (options: Partial<JitEngineOptions> = {}) =>
  new JitEngine({ store: new MemoryGrantStore(), clock: new ManualClock(), approver: autoApprove(() => true), ...options });

const WHO = { subject: 'user:maya', scope: 'db:read' };
const rule = (fields: object): Policy => definePolicy({ rules: [{ id: 'r', scopes: ['db:*'], approve: true, ...fields }] });
const review = (fields: object): Policy =>
  definePolicy({
    groups: { dba: ['user:sam'], vp: ['user:vp'] },
    rules: [{ id: 'r', scopes: ['a'], review: { groups: { dba: 1 }, ...fields } }],
  });
const breakGlass = (fields: object): Policy => {
  const emergency = { id: 'r', scopes: ['a'], maxTtl: '1h', reviewWithin: '1d', reviewers: ['dba'], ...fields };
  return definePolicy({ groups: { dba: ['user:sam'] }, rules: [], breakGlass: [emergency] } as PolicyDefinition);
};
const limit = (name: keyof Limits) => (value: unknown) => engineOf({ limits: { [name]: value } });
const ask = (value: unknown) => ({ ...WHO, ttl: value as number });

/** The places that refuse 1800, by file and field. A place that sets a bound of its own has its words. */
const REFUSED: Readonly<Record<string, (value: unknown) => unknown>> = {
  'engine/requests/ask ttl': (value) => engineOf().requestAccess(ask(value)),
  'engine/requests/amend ttl': (value) => engineOf().amend('r', { by: MAYA, ttl: value as number }),
  'engine/by ttl': (value) => engineOf().approve('r', { by: MAYA, ttl: value as number }),
  'kernel/settings/settings warnBefore': (value) => engineOf({ warnBefore: value as number }),
  'kernel/settings/limits maxTtl': limit('maxTtl'),
  'kernel/settings/limits reviewWithin': limit('reviewWithin'),
  'kernel/settings/limits maxTotal': limit('maxTotal'),
  'kernel/settings/limits maxStartAhead': limit('maxStartAhead'),
  'kernel/settings/limits askAgainAfter': limit('askAgainAfter'),
  'kernel/settings/record-use every': (value) => engineOf({ recordUse: { every: value as number } }),
  'features/webhook/verify tolerance': (value) =>
    verifyWebhook({ body: '', headers: {}, secrets: [`whsec_${'a'.repeat(32)}`], tolerance: value as number }),
  'features/retention/start-retention keep': (value) => startRetention(engineOf(), { keep: value as number }),
  'features/retention/start-retention every': (value) => startRetention(engineOf(), { keep: '9d', every: value as number }),
  'features/authzen/access-request/options ttl': (value) => accessRequests({ signer: signerOf(), ttl: value as number }),
  'features/authzen/access-request/options bindingWindow': (value) =>
    accessRequests({ signer: signerOf(), bindingWindow: value as number }),
  'features/authzen/access-request/options retention': (value) => accessRequests({ signer: signerOf(), retention: value as number }),
  'features/links/options ttl': (value) =>
    approvalLinks(engineOf(), { keys: [{ id: 'k', secret: 's'.repeat(32) }] }).create('r', {
      reviewer: 'user:sam',
      decision: 'approve',
      ttl: value as number,
    }),
  'approvers/reviewers approvalTtl': (value) => reviewers({ members: ['user:sam'], approvalTtl: value as number }),
  'approvers/reviewers reviewWithin': (value) => reviewers({ members: ['user:sam'], reviewWithin: value as number }),
  'approvers/policy/review-forms after': (value) => review({ escalate: { to: 'vp', after: value } }),
  'approvers/policy/review-forms maxAge': (value) => review({ assurance: { maxAge: value } }),
  'approvers/policy/types minTtl': (value) => rule({ minTtl: value }),
  'approvers/policy/types maxTtl': (value) => [rule, breakGlass].map((make) => make({ maxTtl: value })),
  'approvers/policy/types warnBefore': (value) => rule({ warnBefore: value }),
  'approvers/policy/types idleTtl': (value) => rule({ idleTtl: value }),
  'approvers/policy/types maxTotal': (value) => rule({ maxTotal: value }),
  'approvers/policy/types maxStartAhead': (value) => rule({ maxStartAhead: value }),
  'approvers/policy/types approvalTtl': (value) => review({ approvalTtl: value }),
  'approvers/policy/types reviewWithin': (value) => breakGlass({ reviewWithin: value }),
  'approvers/policy/types remindEvery': (value) => review({ remindEvery: value }),
  'approvers/policy/explanation ttl': (value) => rule({}).explain(ask(value)),
  'guards/ai/tool-run ttl': (value) => readTool('t', { agent: 'agent:a', operator: () => 'user:maya' }, { scope: 'a', ttl: value }),
};

/** The places where short numbers are meant, and why. */
const TAKEN: Readonly<Record<string, string>> = {
  'engine/sweeper every': 'seconds are usual: refused below one second',
  'kernel/settings/limits minTtl': 'who sets it below a minute knows the unit',
  'kernel/settings/limits approverTimeout': 'a timeout: too short a one denies, and is reported',
  'kernel/settings/limits retryAfter': 'a pause of seconds',
  'features/webhook/webhook timeout': 'a timeout: too short a one is reported',
  'features/work/options poll': 'a poll of part of a second is usual',
  'features/work/options maxUnconfirmed': 'must be longer than poll',
  'features/work/wait-for poll': 'a poll of part of a second is usual',
  'features/authzen/options timeout': 'a timeout: too short a one is an answer of 503',
  'features/provisioning/options retryAfter': 'a pause of seconds',
  'features/provisioning/options maxRetryAfter': 'a pause of seconds or minutes',
  'features/provisioning/options timeout': 'a timeout: too short a one is reported',
  'guards/options retryAfter': 'a header in whole seconds, rounded up',
  'guards/ai/tool-run wait': 'seconds are usual, and a short wait gives no access',
};

/** The options and arguments of type `Duration` in the sources. */
function durations(): readonly string[] {
  const root = new URL('../../src/', import.meta.url);
  return (readdirSync(root, { recursive: true }) as string[])
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => /\.ts$/.test(name) && !/^(testing|features\/console\/app)\//.test(name))
    .flatMap((name) => {
      const text = readFileSync(new URL(name, root), 'utf8');
      return [...text.matchAll(/^ +readonly (\w+)\??: Duration\b/gm)].map(([, field = '']) => `${name.replace('.ts', '')} ${field}`);
    });
}

/** The message of the error, thrown or rejected. */
async function messageOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
}

describe('[A12] each duration', () => {
  it('is in one of the two tables of this file', () => {
    expect([...new Set(durations())].sort()).toEqual([...Object.keys(REFUSED), ...Object.keys(TAKEN)].sort());
  });

  it.each(Object.entries(REFUSED))('%s refuses 1800 and names the text that is meant', async (place, given) => {
    const said = await messageOf(() => given(1_800));
    // Their least value is a minute or more, for a text too.
    if (/ (?:keep|remindEvery)$|record-use/.test(place)) expect(said).toMatch(/at least (?:a day|5 minutes|1 minute)/);
    else expect(said).toContain("ext with its unit, or at least 60000; got 1800, which looks like seconds: write '30m', or '1s800ms'");
  });
});

describe('[A12] a number of seconds', () => {
  it('opens no access, over each verb and over HTTP', async () => {
    const { call, engine } = (() => {
      const { handler, engine: made } = aService();
      const post = async (body: object) => {
        const headers = { 'x-user': MAYA, 'content-type': 'application/json' };
        const response = await handler(
          new Request('https://access.example.com/v1/requests', { method: 'POST', headers, body: JSON.stringify(body) }),
        );
        return { status: response.status, body: (await response.json()) as { detail?: string } };
      };
      return { call: post, engine: made };
    })();
    const refused = await call({ scope: SCOPE, ttl: 1_800, justification: 'docs' });
    expect([refused.status, JSON.stringify(refused.body).includes("write '30m'")]).toEqual([400, true]);
    expect((await call({ scope: SCOPE, ttl: '30s', justification: 'docs' })).status).toBe(201);
    expect((await engine.listRequests()).items.map(({ ttlMs }) => ttlMs)).toEqual([30_000]);

    const granting = engineOf();
    for (const attempt of [
      () => granting.requestAccess(ask(1_800)),
      () => granting.extend('g', { requestedBy: MAYA, ttl: 1_800 }),
      () => granting.breakGlass({ ...ask(1_800), justification: 'it burns' }),
      () => preview(granting, ask(1_800)),
    ])
      expect(await messageOf(attempt)).toContain('looks like seconds');
    expect((await granting.listRequests()).items).toEqual([]);
  });

  it('is taken if `limits.minTtl` is set below a minute, and then obeys that limit', async () => {
    const engine = engineOf({ limits: { minTtl: '2s', reviewWithin: 30_000, maxTtl: 20_000 }, warnBefore: 5_000 });
    expect((await engine.requestAccess(ask(2_000))).outcome).toBe('granted');
    expect(await messageOf(() => engine.requestAccess(ask(1_999)))).toContain('no window shorter than 2s; got 1s999ms');
    // A longer `minTtl` says nothing about the unit.
    expect(await messageOf(() => engineOf({ limits: { minTtl: '10m' } }).requestAccess(ask(1_800)))).toContain('or at least 60000');
  });

  it('is no text: a text has its unit', async () => {
    expect([readWindow('ttl', '1s'), readWindow('ttl', MIN_NUMBER_MS), readPause('every', '500ms'), readPause('every', 1_000)]).toEqual([
      1_000, 60_000, 500, 1_000,
    ]);
    expect((await engineOf().requestAccess({ ...WHO, ttl: '30s' })).outcome).toBe('granted');
  });

  it('is refused by a sweeper, which would read the store without a pause', async () => {
    expect(await messageOf(() => startSweeper(engineOf(), { every: 30 }))).toBe(
      "every must be a text with its unit, or at least 1000; got 30, which looks like seconds: write '30s', or '30ms'",
    );
  });
});
