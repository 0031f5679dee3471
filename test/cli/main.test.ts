import { journalHead } from 'jit-access/journal';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.js';
import { main } from '../../src/cli/main.js';
import { toNodeHandler } from '../../src/http.js';
import { root } from '../docs/pages.js';
import { aService, BASE, MAYA, SAM, SCOPE, SEC, withExamples } from '../features/http/world.js';

/** The caller is the one that the bearer token names. */
const identify = (request: Request) => {
  const subject = /^Bearer (\S+)$/.exec(request.headers.get('authorization') ?? '')?.[1];
  return subject === undefined ? undefined : { subject, roles: subject === SEC ? ['security'] : [] };
};

/** A service with some access, and the command line of the security team over it. */
async function aTerminal() {
  const service = aService({ http: { identify } });
  const ids = await withExamples(service);
  const run = async (args: readonly string[], env: Record<string, string> = { JIT_ACCESS_TOKEN: SEC }) => {
    const printed = { out: '', err: '' };
    const code = await main(args, {
      env,
      out: (text) => void (printed.out += text),
      err: (text) => void (printed.err += text),
      fetch: (url, init) => service.handler(new Request(url, init)),
      clock: service.clock,
    });
    return { code, ...printed };
  };
  return { ...service, ids, run };
}

const URL = ['--url', BASE];

const as = (person: string) => ({ JIT_ACCESS_TOKEN: person });
const idIn = (text: string) => /(?:request|grant|lock) ([0-9a-f]{8,}(?:\.\d+)?)/.exec(text)?.[1] as string;

describe('the requests of a day', () => {
  it('are asked for, reviewed by another person, used and released', async () => {
    const { run } = await aTerminal();
    const asked = await run(['ask', SCOPE, '--ttl', '30m', '--reason', 'INC-9: backfill', ...URL], as(MAYA));
    const id = idIn(asked.out);
    expect(asked).toEqual({ code: 0, out: `PENDING: ${MAYA}  ${SCOPE}  request ${id}\nWait for it: jit-access wait ${id}\n`, err: '' });

    const inbox = await run(['inbox', ...URL], as(SAM));
    expect(inbox.out).toContain(`${MAYA}  ${SCOPE}  for 30m  needs 1 more of leads  request ${id}\n  INC-9: backfill\n`);

    const waited = run(['wait', id, ...URL], as(MAYA));
    const approved = await run(['approve', id, '--ttl', '10m', '--comment', 'ok', ...URL], as(SAM));
    const grant = `${MAYA}  ${SCOPE}  2026-01-01T00:01:00.000Z to 2026-01-01T00:11:00.000Z  active  grant ${id}.1\n`;
    expect(approved).toEqual({ code: 0, out: `APPROVED: ${MAYA}  ${SCOPE}  request ${id}\n${grant}`, err: '' });
    expect(await waited).toEqual({ code: 0, out: `GRANTED: ${MAYA}  ${SCOPE}  request ${id}\n${grant}`, err: '' });

    expect((await run(['status', ...URL], as(MAYA))).out).toContain(grant);
    expect((await run(['release', `${id}.1`, ...URL], as(MAYA))).out).toMatch(/^Released 1 grant\.\nuser:maya .* revoked {2}grant /);
    expect((await run(['status', '--json', ...URL], as(MAYA))).out).not.toContain(`${id}.1`);
  });

  it('end with 1 if they are denied', async () => {
    const { run } = await aTerminal();
    const id = idIn((await run(['ask', SCOPE, '--ttl', '5m', '--reason', 'a', ...URL], as(MAYA))).out);
    const denied = await run(['deny', id, '--reason', 'not today', ...URL], as(SAM));
    expect([denied.code, denied.out]).toEqual([0, `DENIED: ${MAYA}  ${SCOPE}  request ${id}\n`]);
    const waited = await run(['wait', id, ...URL], as(MAYA));
    expect([waited.code, waited.out]).toEqual([1, `DENIED: ${MAYA}  ${SCOPE}  request ${id}: not today\n`]);
    expect((await run(['release', id, ...URL], as(MAYA))).code).toBe(0);
  });

  it('print an answer where there is nothing', async () => {
    const { run } = await aTerminal();
    expect(await run(['status', ...URL], as('user:eve'))).toEqual({ code: 0, out: 'user:eve holds no access.\n', err: '' });
    expect(await run(['inbox', ...URL], as('user:eve'))).toEqual({ code: 0, out: 'No request waits for your review.\n', err: '' });
  });

  it('are refused with the code of the engine', async () => {
    const { run } = await aTerminal();
    const id = idIn((await run(['ask', SCOPE, '--ttl', '5m', '--reason', 'a', ...URL], as(MAYA))).out);
    const { code, err } = await run(['approve', id, ...URL], as(MAYA));
    expect([code, err]).toEqual([1, expect.stringMatching(/\(ERR_JIT_SELF_REVIEW\)/)]);
  });
});

describe('jit-access unlock', () => {
  it('lifts a lock', async () => {
    const { run } = await aTerminal();
    const { out } = await run(['lock', '--subject', MAYA, ...URL]);
    expect((await run(['status', ...URL], as(MAYA))).out).toMatch(/^LOCKED: user:maya, until a person lifts it \(lock /);
    const id = /\(lock ([^)]+)\)/.exec(out)?.[1] as string;
    expect(await run(['unlock', id, ...URL])).toEqual({ code: 0, out: `UNLOCKED: ${MAYA}. It restores no access.\n`, err: '' });
  });
});

describe('colours', () => {
  it('are shown on a terminal only, and never in JSON', async () => {
    const { handler, clock } = await aTerminal();
    const print = async (args: readonly string[], on: boolean) => {
      let text = '';
      const write = (part: string) => void (text += part);
      const colours = { out: on, err: on };
      const fetch = (url: string, init: RequestInit) => handler(new Request(url, init));
      await main([...args, ...URL], { env: as(SEC), out: write, err: write, colours, fetch, clock });
      return text;
    };
    expect(await print(['revoke', 'f'.repeat(32)], true)).toMatch(/^\u001b\[31mFAILED\u001b\[0m: There is no such resource/);
    expect(await print(['revoke', 'f'.repeat(32)], false)).toMatch(/^FAILED: /);
    expect(await print(['lock', '--subject', MAYA], true)).toMatch(/^\u001b\[31mLOCKED\u001b\[0m: user:maya/);
    expect(await print(['status', '--json'], true)).not.toContain('\u001b');
  });
});

describe('jit-access --version', () => {
  it('prints the version', async () => {
    const { run } = await aTerminal();
    expect(await run(['--version'])).toEqual({ code: 0, out: 'source\n', err: '' });
  });
});

describe('jit-access help', () => {
  it('prints the usage of one command', async () => {
    const { run } = await aTerminal();
    const { code, out } = await run(['help', 'revoke']);
    expect([code, out.split('\n').slice(0, 3)]).toEqual([
      0,
      ['Usage: jit-access revoke <grantId> [--reason <text>]', '', '  ends a grant'],
    ]);
  });
});

describe('jit-access who', () => {
  it('prints each grant that covers a scope, now and at an instant', async () => {
    const { run, ids } = await aTerminal();
    const line = `${MAYA}  db-prod:admin  2026-01-01T00:00:00.000Z to 2026-01-01T00:30:00.000Z  active  grant ${ids.grantId}\n`;
    expect(await run(['who', 'db-prod:admin', ...URL])).toEqual({ code: 0, out: line, err: '' });
    expect((await run(['who', 'db-prod:admin', '--at', '2026-01-01T01:00:30+01:00', ...URL])).out).toBe(line);
    expect((await run(['who', 'db-prod:drop', ...URL])).out).toMatch(/active, break-glass {2}grant \w+\.1\n$/);
  });

  it('prints the grants that cover a part of a pattern, and says that there is none', async () => {
    const { run, ids } = await aTerminal();
    const { code, out } = await run(['who', 'db-prod:*', ...URL]);
    expect([code, out.split('\n').length, out.includes(ids.grantId), out.includes('db-prod:drop')]).toEqual([0, 3, true, true]);
    expect((await run(['who', 'db-prod:*', '--at', '2026-01-01T01:00:30+01:00', ...URL])).out).toBe(out);
    expect(await run(['who', 'billing:**', ...URL])).toEqual({
      code: 0,
      out: 'No grant covers any part of billing:** now. Standing access is not listed.\n',
      err: '',
    });
    expect((await run(['who', '**:write', ...URL])).code).not.toBe(0);
  });

  it('says that no grant covers a scope', async () => {
    const { run } = await aTerminal();
    expect(await run(['who', SCOPE, ...URL])).toEqual({
      code: 0,
      out: `No grant covers ${SCOPE} now. Standing access is not listed.\n`,
      err: '',
    });
  });
});

describe('jit-access revoke', () => {
  it('ends a grant, with its reason', async () => {
    const { run, ids, engine } = await aTerminal();
    const { code, out } = await run(['revoke', ids.grantId, '--reason', 'INC-9', ...URL]);
    expect([code, out.slice(0, 24)]).toEqual([0, `Ended: ${MAYA}  db-pro`]);
    expect(out).toContain(`revoked by ${SEC} at 2026-01-01T00:01:00.000Z`);
    expect((await engine.getGrant(ids.grantId))?.end).toMatchObject({ reason: 'INC-9', by: SEC });
  });
});

describe('jit-access revoke-all', () => {
  it('prints what it has ended, also a second time', async () => {
    const { run, ids } = await aTerminal();
    const { code, out } = await run(['revoke-all', '--ticket', 'INC-204', '--reason', 'over', ...URL]);
    expect([code, out.split('\n')[0]]).toEqual([0, 'Ended 2 grants, cancelled 2 requests.']);
    expect(out).toContain(`db-prod:admin  2026-01-01T00:00:00.000Z to 2026-01-01T00:30:00.000Z  revoked  grant ${ids.grantId}`);
    expect(out).toContain(`${MAYA}  db-prod:read  request ${ids.requestId}`);
    expect((await run(['revoke-all', '--request', ids.requestId, ...URL])).code).toBe(1);
  });

  it('fails where nothing matched, and names similar scopes', async () => {
    const { run } = await aTerminal();
    const { code, out } = await run(['revoke-all', '--scope', 'db-prod', ...URL]);
    expect(code).toBe(1);
    expect(out).toContain('NOTHING MATCHED: no open grant and no pending request has this target. Check its spelling.');
    expect(out).toMatch(/Similar scopes: .*db-prod:admin.*\. A pattern such as db-prod:\*\* reaches all below db-prod\./);
  });
});

describe('jit-access lock', () => {
  it('locks a subject until an instant, and prints what it has ended', async () => {
    const { run, engine } = await aTerminal();
    const { code, out } = await run(['lock', '--subject', MAYA, '--until', '2026-01-02T00:00:00Z', ...URL]);
    expect(code).toBe(0);
    expect(out).toMatch(/^LOCKED: user:maya, until 2026-01-02T00:00:00\.000Z \(lock \w+\)\.\nEnded 2 grants, cancelled 2 requests\.\n/);
    expect(await engine.isAllowed(MAYA, 'db-prod:admin')).toBe(false);
  });

  it('says that a lock ended nothing, and stays', async () => {
    const { run } = await aTerminal();
    const { code, out } = await run(['lock', '--scope', 'logs:read', '--json', ...URL]);
    expect([code, JSON.parse(out)]).toMatchObject([0, { lock: { scope: 'logs:read', status: 'open' }, ended: { matched: false } }]);
  });
});

describe('jit-access verify', () => {
  it('says that the journal is valid up to its head, also after an anchor', async () => {
    const { run, engine } = await aTerminal();
    const { seq, hash } = await journalHead(engine);
    expect(await run(['verify', ...URL])).toEqual({ code: 0, out: `Valid: ${seq} entries, up to ${seq}.${hash}\n`, err: '' });
    expect((await run(['verify', '--after', `${seq}.${hash}`, ...URL])).out).toBe(`Valid: 0 entries, up to ${seq}.${hash}\n`);
  });

  it('fails where an anchor is not of this journal', async () => {
    const { run } = await aTerminal();
    const { code, out } = await run(['verify', '--after', `3.${'0'.repeat(64)}`, ...URL]);
    expect([code, out.slice(0, 10)]).toEqual([1, 'NOT VALID:']);
  });
});

describe('a failure', () => {
  it.each([
    ['without a token', [], {}, 'The service does not know you. Set JIT_ACCESS_TOKEN to your token'],
    ['of a caller that may not', [], { JIT_ACCESS_TOKEN: SAM }, 'You are signed in, and the service does not permit you this.'],
  ])('prints what to do: %s', async (_, args, env, hint) => {
    const { run } = await aTerminal();
    const { code, out, err } = await run(['lock', '--subject', MAYA, ...URL, ...args], env);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^FAILED: /);
    expect(err).toContain(hint);
  });

  it('of the engine names its code', async () => {
    const { run } = await aTerminal();
    expect(await run(['revoke', 'f'.repeat(32), ...URL])).toEqual({
      code: 1,
      out: '',
      err: 'FAILED: There is no such resource. (ERR_JIT_NOT_FOUND)\n',
    });
  });

  it('of the network says that a repeat restores no access', async () => {
    const err: string[] = [];
    const terminal = { env: {}, out: () => undefined, err: (text: string) => void err.push(text) };
    const code = await main(['revoke', 'g', ...URL], { ...terminal, fetch: () => Promise.reject(new TypeError('fetch failed')) });
    expect([code, err.join('')]).toEqual([
      3,
      'FAILED: POST /grants/g/revoke: no answer (fetch failed)\nIt may have been carried out. Run it again: a repeat restores no access. Check that a service runs at https://access.example.com, and --url or JIT_ACCESS_URL.\n',
    ]);
  });
});

describe('a failed call', () => {
  it.each([
    ['who', SCOPE],
    ['verify', undefined],
  ])('of %s without an answer says that nothing was changed', async (command, argument) => {
    const err: string[] = [];
    const terminal = { env: {}, out: () => undefined, err: (text: string) => void err.push(text) };
    const args = [command, ...(argument === undefined ? [] : [argument]), ...URL];
    const clock = { now: () => 0, sleep: () => Promise.resolve() };
    expect(await main(args, { ...terminal, clock, fetch: () => Promise.reject(new TypeError('fetch failed')) })).toBe(3);
    expect(err.join('')).toMatch(
      /no answer \(fetch failed\)\nNothing was changed\. Check that a service runs at https:\/\/access\.example\.com, and --url or JIT_ACCESS_URL\.\n$/,
    );
  });

  it('that another service answers with 404 says what --url must be', async () => {
    const err: string[] = [];
    const terminal = { env: {}, out: () => undefined, err: (text: string) => void err.push(text) };
    await main(['revoke', 'g', ...URL], { ...terminal, fetch: () => Promise.resolve(new Response('', { status: 404 })) });
    expect(err.join('')).toMatch(/status 404, not from the handler\nGive --url or JIT_ACCESS_URL with the base path of the handler\.\n$/);
  });
});

describe('jit-access --help', () => {
  it.each([['help'], ['--help'], ['-h']])('prints the usage and ends with 0: %s', async (...args) => {
    const { run } = await aTerminal();
    const { code, out, err } = await run(args);
    expect([code, out.split('\n')[0], err]).toEqual([0, 'Usage: jit-access <command> [options]', '']);
  });
});

describe('a command with --help', () => {
  const { dev: _, help: __, ...OF_SERVICE } = COMMANDS;

  it.each(
    Object.keys(OF_SERVICE).flatMap((name) => [
      [name, '--help'],
      [name, '-h'],
      [name, ...URL, '--help'],
    ]),
  )('[A20] that calls a service prints its usage alone, and ends with 2: nothing was carried out: %s %s', async (...args) => {
    const { run } = await aTerminal();
    const { code, out, err } = await run(args);
    expect([code, out, err.split(' ').slice(0, 3).join(' ').trim()]).toEqual([2, '', `Usage: jit-access ${args[0]}`]);
  });

  it.each([
    ['dev', '--help'],
    ['dev', '-h'],
    ['dev', 'help'],
    ['help', '--help'],
    ['help', 'dev'],
  ])('[A20] that calls none prints its usage, and ends with 0: %s %s', async (...args) => {
    const { run } = await aTerminal();
    const { code, out, err } = await run(args);
    expect([code, out.split(' ').slice(0, 2).join(' '), err]).toEqual([0, 'Usage: jit-access', '']);
    if (args.includes('dev'))
      expect(out).toContain('--sqlite  keeps the example in a file. Needs Node 22.16 or newer, and: npm install jit-access kysely');
  });
});

describe('jit-access dev, when it cannot begin', () => {
  it('[A20] says why, and names no service', async () => {
    let err = '';
    const folder = fileURLToPath(new globalThis.URL('.', import.meta.url));
    const terminal = { env: {}, out: () => undefined, err: (text: string) => void (err += text) };
    expect(await main(['dev', '--sqlite', folder], terminal)).toBe(3);
    expect(err).toMatch(/^FAILED: [^\n]+\n$/);
    expect(err).not.toContain('JIT_ACCESS_URL');
  });
});

describe('JIT_ACCESS_URL', () => {
  it('names the service, and --url replaces it', async () => {
    const { run } = await aTerminal();
    const env = { JIT_ACCESS_TOKEN: SEC, JIT_ACCESS_URL: BASE };
    expect((await run(['verify'], env)).code).toBe(0);
    expect((await run(['verify', ...URL], { ...env, JIT_ACCESS_URL: 'https://other.example.com/none' })).code).toBe(0);
  });

  it.each(['https://sam:s3cret@ops.example.com', 'http://ops.example.com/s3cret', ''])(
    'is checked like --url, and not printed: %j',
    async (url) => {
      const { run } = await aTerminal();
      const { code, err } = await run(['verify'], { JIT_ACCESS_TOKEN: SEC, JIT_ACCESS_URL: url });
      expect([code, err.includes('s3cret')]).toEqual([2, false]);
      expect(err).toContain('JIT_ACCESS_URL must be');
    },
  );
});

describe('an answer of a proxy whose service does not answer', () => {
  it('ends with 3, because it is not known what was done', async () => {
    const terminal = { env: {}, out: () => undefined, err: () => undefined, clock: { now: () => 0, sleep: () => Promise.resolve() } };
    const fetch = () => Promise.resolve(new Response('', { status: 502 }));
    expect(await main(['revoke', 'g', ...URL], { ...terminal, fetch })).toBe(3);
  });
});

describe('an answer that does not say what was done', () => {
  it.each([
    ['of a store that fails', 503, JSON.stringify({ type: 'urn:x', title: 't', status: 503, detail: 'd', code: 'ERR_JIT_STORE' })],
    ['of a sign-in page', 200, '<html>'],
    ['of a redirect', 302, ''],
    ['of another service', 200, '{}'],
  ])('ends with 3, and says what may be so: %s', async (_, status, body) => {
    let err = '';
    const terminal = { env: {}, out: () => undefined, err: (text: string) => void (err += text) };
    const fetch = () => Promise.resolve(new Response(body, { status }));
    expect(await main(['revoke', 'g', ...URL], { ...terminal, fetch })).toBe(3);
    expect(err).toContain('It may have been carried out. Run it again');
  });

  it('is not meant by an id that the client refuses: the usage is wrong', async () => {
    const terminal = { env: {}, out: () => undefined, err: () => undefined, fetch: () => Promise.reject(new Error('called')) };
    expect(await main(['revoke', '', ...URL], terminal)).toBe(2);
  });
});

describe('the text --help where a value is missing', () => {
  // Exit code 0 would tell a script that the access has ended.
  it.each([
    ['revoke', '--help'],
    ['revoke', 'g', '--reason', '--help', ...URL],
    ['revoke-all', '--subject', '--help', ...URL],
    ['lock', '--subject', MAYA, '--reason', '-h', ...URL],
  ])('never looks like a command that was carried out: %s %s %s %s', async (...args) => {
    const { run } = await aTerminal();
    const { code, out } = await run(args);
    expect([code, out]).toEqual([2, '']);
  });
});

describe('wrong usage', () => {
  it.each([
    [
      [],
      'the first argument must be dev, ask, wait, status, inbox, approve, deny, release, who, revoke, revoke-all, lock, unlock, verify, help',
    ],
    [['explode'], 'the first argument must be dev, ask'],
    [['toString', ...URL], 'the first argument must be dev, ask'],
    [['who', SCOPE], '--url must be a URL such as https://ops.example.com/access'],
    [['who', ...URL], 'who takes one scope'],
    [['dev', '--port', '70000'], '--port must be a number from 0 to 65535'],
    [['dev', '--port', '1e3'], '--port must be a number'],
    [['dev', ...URL], "Unknown option '--url'"],
    [['help', 'explode'], 'help takes one command'],
    [['ask', SCOPE, '--ttl', '30', ...URL], '--ttl must be'],
    [['who', SCOPE, '--token', 't', ...URL], "Unknown option '--token'"],
    [['verify', 'all', ...URL], 'verify takes only options'],
    [['revoke', 'a', 'b', ...URL], 'revoke takes one grantId'],
    [['revoke-all', ...URL], 'revoke-all takes exactly one of --subject, --scope, --request, --ticket'],
    [['revoke-all', '--subject', 'a', '--scope', 'b', ...URL], 'revoke-all takes exactly one of'],
    [['who', SCOPE, '--at', '2026-01-01', ...URL], '--at must be an instant with a time zone, such as 2026-01-31T02:00:00Z'],
    [['who', SCOPE, '--at', '2026-13-01T00:00:00Z', ...URL], '--at must be an instant'],
    [['lock', '--subject', 'a', '--until', '2026-02-31T00:00:00Z', ...URL], '--until must be an instant'],
    [['lock', '--subject', 'a', '--until', '2026-02-29T00:00:00+01:00', ...URL], '--until must be an instant'],
    [['lock', '--subject', 'a', '--until', '2026-04-00T00:00:00Z', ...URL], '--until must be an instant'],
    [['revoke-all', '--subject', 'a', '--subject', 'b', ...URL], '--subject is given more than once'],
    [['revoke-all', '--subject', 'a', '--subject=a', ...URL], '--subject is given more than once'],
    [['revoke', 'a', ...URL, ...URL], '--url is given more than once'],
    [['revoke', 'a', '--json', '--json', ...URL], '--json is given more than once'],
    [['revoke', 'a', '--url', 'javascript:alert(1)'], '--url must be a URL'],
    [['revoke', 'a', '--url', `${BASE}?tenant=b`], '--url must be a URL'],
    [['revoke', 'a', '--url', `${BASE}#b`], '--url must be a URL'],
    [['lock', '--subject', 'a', '--unti', 'x', ...URL], "Unknown option '--unti'"],
    [['lock', '--subject', '--json', ...URL], 'is ambiguous.\nDid you forget to specify the option argument'],
  ])('ends with 2, prints the usage and calls nothing: %j', async (args, message) => {
    const { run } = await aTerminal();
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
    expect(err).toContain('\nUsage: jit-access ');
  });
});

describe('a secret', () => {
  it.each([
    ['a password in the URL', ['who', SCOPE, '--url', 'https://sam:s3cret@ops.example.com/access']],
    ['a user name in the URL', ['who', SCOPE, '--url', 'https://s3cret@ops.example.com']],
    ['a password in a URL with odd separators', ['who', SCOPE, '--url', 'https:\\\\sam:s3cret@ops.example.com']],
    ['a URL in place of the command', ['https://sam:s3cret@ops.example.com']],
  ])('is not printed, and nothing is sent: %s', async (_, args) => {
    const sent: string[] = [];
    const printed: string[] = [];
    const write = (text: string) => void printed.push(text);
    const fetch = (url: string, init: RequestInit) => globalThis.fetch(`data:,${String(sent.push(url))}`, init);
    expect(await main(args, { env: {}, out: write, err: write, fetch })).toBe(2);
    expect([printed.join('').includes('s3cret'), sent]).toEqual([false, []]);
    expect(printed.join('')).toContain('Usage: jit-access');
  });

  it.each(['s3cret\nsecond', 's3cret\0', '“s3cret”'])('is refused and not printed, if it is no header: %j', async (token) => {
    const { run } = await aTerminal();
    const { code, out, err } = await run(['verify', ...URL], { JIT_ACCESS_TOKEN: token });
    expect([code, out, err.includes('s3cret')]).toEqual([2, '', false]);
    expect(err).toContain('JIT_ACCESS_TOKEN must be one word of visible ASCII characters');
  });

  it('may end with a line break, as a file does', async () => {
    const { run } = await aTerminal();
    expect((await run(['verify', ...URL], { JIT_ACCESS_TOKEN: `${SEC}\n` })).code).toBe(0);
  });

  it.each([{}, { JIT_ACCESS_TOKEN: '' }, { JIT_ACCESS_TOKEN: '\n' }])('is not sent where there is none: %j', async (env) => {
    const sent: unknown[] = [];
    const fetch = async (_: string, { headers }: RequestInit) => (sent.push(Object.keys(headers ?? {})), new Response('[]'));
    await main(['verify', ...URL], { env, out: () => undefined, err: () => undefined, fetch });
    expect(sent).toEqual([['if-none-match']]);
  });
});

describe('[WF23] a URL', () => {
  const calls = async (...args: string[]) => {
    const sent: string[] = [];
    const printed: string[] = [];
    const fetch = async (url: string) => (sent.push(url), Response.json({ items: [] }));
    const code = await main(['who', SCOPE, ...args], {
      env: { JIT_ACCESS_TOKEN: 's3cret' },
      out: () => undefined,
      err: (text) => void printed.push(text),
      fetch,
    });
    return { code, calls: sent.length, err: printed.join('') };
  };

  it.each(['http://ops.example.com', 'HTTP://10.0.0.1:8080/access', 'http://localhost.example.com', 'http://127.0.0.1.example.com/a'])(
    'is refused where the network could read the token: %s',
    async (url) => {
      const refused = await calls('--url', url);
      expect(refused).toMatchObject({ code: 2, calls: 0 });
      expect(refused.err).toContain('--url must be https, or http to localhost, 127.0.0.1 or [::1]');
      expect(await calls('--url', url, '--insecure')).toMatchObject({ code: 0, calls: 1 });
    },
  );

  it.each([
    'https://ops.example.com/access',
    'http://localhost:3000',
    'http://LOCALHOST/a',
    'http://127.0.0.1:8080/a',
    'http://[::1]:3000',
  ])('is called: %s', async (url) => {
    expect(await calls('--url', url)).toMatchObject({ code: 0, calls: 1 });
  });
});

describe('a text of a record or of the service', () => {
  const HOSTILE = '\u001b[2J\r\nEnded: everything\u009b8m\u202e\u200b';
  const SHOWN = '\\u001b[2J\\u000d\\u000aEnded: everything\\u009b8m\\u202e\\u200b';
  const print = async (args: readonly string[], body: object, status = 200) => {
    const printed: string[] = [];
    const write = (text: string) => void printed.push(text);
    const code = await main([...args, ...URL], { env: {}, out: write, err: write, fetch: async () => Response.json(body, { status }) });
    return [code, printed.join('')] as const;
  };
  const grant = { id: 'g', subject: `user:${HOSTILE}`, scope: HOSTILE, startsAt: 0, expiresAt: 1, status: 'active' };

  it('is printed on one line, with no character that the terminal executes or hides', async () => {
    const line = `user:${SHOWN}  ${SHOWN}  1970-01-01T00:00:00.000Z to 1970-01-01T00:00:00.001Z  active  grant g\n`;
    expect(await print(['who', SCOPE], { items: [grant] })).toEqual([0, line]);
    const nothing = { grants: [], requests: [], matched: false, similar: [HOSTILE] };
    expect((await print(['revoke-all', '--scope', 'a'], nothing))[1]).toContain(`\nSimilar scopes: ${SHOWN}. A pattern`);
    expect(await print(['verify'], { ok: false, seq: 3, problem: HOSTILE })).toEqual([1, `NOT VALID: entry 3 ${SHOWN}\n`]);
  });

  it('is the same value in JSON', async () => {
    const [, text] = await print(['who', SCOPE, '--json'], { items: [grant] });
    expect(text).not.toMatch(/(?![ \n])[\p{C}\p{Z}]/u);
    expect(JSON.parse(text)).toEqual([grant]);
  });

  it('is printed on the line of its failure', async () => {
    const problem = { type: 'urn:x', title: 't', status: 403, detail: HOSTILE };
    const hint = 'You are signed in, and the service does not permit you this.';
    expect(await print(['revoke', 'g'], problem, 403)).toEqual([1, `FAILED: ${SHOWN}\n${hint}\n`]);
    expect((await print(['revoke', 'g', `--${HOSTILE}`], {}))[1]).not.toContain('\u001b');
  });
});

describe('the program', () => {
  it('calls a server, prints to the terminal, and ends with the code', async () => {
    const { handler } = await aTerminal();
    const node = toNodeHandler(handler);
    const server = createServer((request, response) => void node(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const run = (...args: string[]) =>
      new Promise<readonly unknown[]>((resolve) => {
        const env = { ...process.env, JIT_ACCESS_TOKEN: SEC };
        const child = spawn(process.execPath, ['--import', 'tsx', `${root}src/cli/cli.ts`, ...args], { env, cwd: root });
        let printed = '';
        child.stdout.on('data', (text) => (printed += String(text)));
        child.on('close', (code) => resolve([code, printed]));
      });
    expect(await run('verify', '--url', url)).toEqual([0, expect.stringMatching(/^Valid: \d+ entries, up to \d+\.[0-9a-f]{64}\n$/)]);
    expect(await run('revoke-all', '--scope', 'nothing:here', '--url', url)).toEqual([1, expect.stringMatching(/^NOTHING MATCHED/)]);
    expect(await run('explode')).toEqual([2, '']);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('ends with its code if the reader of its output ends first, as `head` does', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', `${root}src/cli/cli.ts`, 'help'], { cwd: root });
    child.stdout.destroy();
    let err = '';
    child.stderr.on('data', (text) => (err += String(text)));
    expect([await new Promise((resolve) => child.on('close', resolve)), err]).toEqual([0, '']);
  });
});
