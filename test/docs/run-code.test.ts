import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeRedis } from '../stores/redis/server.js';
import { Postgres } from '../stores/sql/postgres.js';
import type { Block } from './pages.js';
import { named, programs, runPacked } from './run-packed.js';

/*
 * Every whole program of README.md and docs runs with the packed package, whether its page shows the output or not. The programs that a
 * reader saves run in test/package/guide.test.ts, and those for a newer Node in test/runtimes/docs.test.ts.
 */

const NEEDS = { postgres: ['pg', 'postgres'], redis: ['redis', 'ioredis'], newerNode: ['node:sqlite'] };
const isFor = (block: Block, need: keyof typeof NEEDS): boolean => NEEDS[need].some((name) => block.code.includes(` from '${name}';`));
const needsNothing = (block: Block): boolean =>
  block.saveAs === undefined && !(Object.keys(NEEDS) as (keyof typeof NEEDS)[]).some((need) => isFor(block, need));

/** What the reader of a page has to set. */
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const SETTINGS = {
  PORT: '0',
  WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
  ISSUER: 'https://issuer.example',
  JWKS_URI: `data:,${encodeURIComponent(JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'RS256' }] }))}`,
  SIGNING_KEY: String(privateKey.export({ format: 'pem', type: 'pkcs8' })),
};

/** Opens the page of the console, asks through the API, and ends. */
const OPENED = `
  await new Promise((resolve) => server.once('listening', resolve));
  const root = 'http://127.0.0.1:' + server.address().port;
  const opened = await fetch(root + '/console', { headers: { accept: 'text/html' } });
  const body = JSON.stringify({ scope: 'db-prod:write', ttl: '15m', justification: 'docs' });
  const asked = await fetch(root + '/access/v1/requests', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  console.log(opened.url === root + '/console/' && opened.status === 200 ? (await asked.json()).outcome : opened.status);
  process.exit(0);`;

/** Calls `identify` with a token of the provider, with one for another service, and without one. */
const SIGNED_IN = `
  const { SignJWT, importPKCS8 } = await import('jose');
  const key = await importPKCS8(process.env.SIGNING_KEY, 'RS256');
  const callerOf = async (audience) => {
    const claims = new SignJWT({ sub: 'maya' }).setProtectedHeader({ alg: 'RS256' }).setIssuer(issuer).setAudience(audience ?? 'none');
    const headers = audience === undefined ? {} : { authorization: 'Bearer ' + (await claims.sign(key)) };
    return (await identify(new Request('https://service.example', { headers })))?.subject;
  };
  console.log(await callerOf('jit-access'), await callerOf('another'), await callerOf());`;

/** Asks the engine or the store, if the program of a page of a store has made one, and ends: a connection would keep the process. */
function useOf({ page, code }: Block): string {
  if (page === 'docs/guides/sign-in.md') return SIGNED_IN;
  if (page === 'docs/guides/console.md' && code.includes('createServer(')) return OPENED;
  if (!page.startsWith('docs/guides/stores/') || !/const (?:engine|store) =/.test(code)) return '';
  const ask = /const engine =/.test(code)
    ? "(await engine.requestAccess({ subject: 'user:eve', scope: 'docs:read', ttl: '5m', justification: 'docs' })).outcome"
    : "(await store.get([{ kind: 'grant', id: 'g' }])).length";
  return `console.log(${ask}); process.exit(0);`;
}

const prints = (block: Block): RegExp => (useOf(block) === '' ? /^/ : /^(?:pending|1|user:maya undefined undefined)\n$/);

async function runs(block: Block, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const isExample = block.file !== undefined;
  const result = await runPacked(block, { after: isExample ? '' : useOf(block), env: { ...SETTINGS, ...env } });
  expect(result).toMatchObject({ code: 0, stderr: '' });
  if (block.prints !== undefined) expect(result.stdout).toBe(block.prints);
  else if (!isExample) expect(result.stdout).toMatch(prints(block));
}

describe.concurrent('[NC1] the programs in README.md and docs run, with the packed package', () => {
  it.each(programs.filter(needsNothing).map(named))('%s', (_, block) => runs(block));
});

describe('[NC1] the programs that need PostgreSQL run', () => {
  let server: Postgres;
  beforeAll(async () => {
    server = await Postgres.start();
  });
  afterAll(() => server.stop());

  it.each(programs.filter((block) => isFor(block, 'postgres') && block.saveAs === undefined).map(named))('%s', (_, block) => {
    const { hostname, port, username, password, pathname } = new URL(server.url);
    return runs(block, {
      DATABASE_URL: server.url,
      PGHOST: hostname,
      PGPORT: port,
      PGUSER: username,
      PGPASSWORD: decodeURIComponent(password),
      PGDATABASE: pathname.slice(1),
    });
  });
});

describeRedis('[NC1] the programs that need Redis run', (server) => {
  it.each(programs.filter((block) => isFor(block, 'redis')).map(named))('%s', async (_, block) => {
    server().forget('payments');
    await runs(block, { REDIS_URL: server().url });
  });
});

describe('the programs of the docs', () => {
  it('are all of them: each is in a group, and no group is empty', () => {
    const groups = [
      programs.filter(needsNothing),
      programs.filter(({ saveAs }) => saveAs !== undefined),
      ...(Object.keys(NEEDS) as (keyof typeof NEEDS)[]).map((need) =>
        programs.filter((block) => block.saveAs === undefined && isFor(block, need)),
      ),
    ];
    expect(groups.map((group) => group.length > 0)).toEqual([true, true, true, true, true]);
    expect(groups.flat()).toHaveLength(programs.length);
    expect(programs.length).toBeGreaterThan(70);
  });
});
