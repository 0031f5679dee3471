import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { main } from '../../../src/features/command-line/main.js';
import { toNodeHandler } from '../../../src/http.js';
import { root } from '../../docs/pages.js';
import { aService, BASE, MAYA, SAM, SCOPE, SEC, withExamples } from '../http/world.js';

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

describe('jit-access who', () => {
  it('prints each grant that covers a scope, now and at an instant', async () => {
    const { run, ids } = await aTerminal();
    const line = `${MAYA}  db-prod:admin  2026-01-01T00:00:00.000Z to 2026-01-01T00:30:00.000Z  active  grant ${ids.grantId}\n`;
    expect(await run(['who', 'db-prod:admin', ...URL])).toEqual({ code: 0, out: line, err: '' });
    expect((await run(['who', 'db-prod:admin', '--at', '2026-01-01T01:00:30+01:00', ...URL])).out).toBe(line);
    expect((await run(['who', 'db-prod:drop', ...URL])).out).toMatch(/active, break-glass {2}grant \w+\.1\n$/);
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
    const { seq, hash } = await engine.journalHead();
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
    ['without a token', [], {}, 'The service does not know you: give --token or JIT_ACCESS_TOKEN.'],
    ['of a caller that may not', ['--token', SAM], {}, 'You are signed in, and the service does not permit you this.'],
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
      1,
      'FAILED: POST /grants/g/revoke: no answer (fetch failed)\nIt may have been carried out. Run it again: a repeat restores no access.\n',
    ]);
  });
});

describe('wrong usage', () => {
  it.each([
    [[], 'a command is missing'],
    [['explode'], 'explode is no command'],
    [['toString', ...URL], 'toString is no command'],
    [['who', SCOPE], '--url must be a URL such as https://ops.example.com/access'],
    [['who', ...URL], 'who takes one scope'],
    [['verify', 'all', ...URL], 'verify takes only options'],
    [['revoke', 'a', 'b', ...URL], 'revoke takes one grantId'],
    [['revoke-all', ...URL], 'revoke-all takes exactly one of --subject, --scope, --request, --ticket'],
    [['revoke-all', '--subject', 'a', '--scope', 'b', ...URL], 'revoke-all takes exactly one of'],
    [['who', SCOPE, '--at', '2026-01-01', ...URL], '--at must be an instant with a time zone, such as 2026-01-31T02:00:00Z'],
    [['who', SCOPE, '--at', '2026-13-01T00:00:00Z', ...URL], '--at must be an instant'],
    [['lock', '--subject', 'a', '--unti', 'x', ...URL], "Unknown option '--unti'"],
  ])('ends with 2, prints the usage and calls nothing: %j', async (args, message) => {
    const { run } = await aTerminal();
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
    expect(err).toContain('Usage: jit-access <command> --url <baseUrl>');
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
        const child = spawn(process.execPath, ['--import', 'tsx', `${root}src/cli.ts`, ...args], { env, cwd: root });
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
});
