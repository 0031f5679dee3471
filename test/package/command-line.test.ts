import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it } from 'vitest';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** Starts the command line of the installed package, as `npx jit-access` does. */
function start(...args: string[]) {
  const cwd = inject('installed');
  const child = spawn(process.execPath, [join(cwd, 'node_modules/jit-access/dist/cli.js'), ...args], { cwd });
  ends.push(() => child.kill('SIGKILL'));
  const texts = { out: '', err: '' };
  child.stdout.on('data', (text) => (texts.out += String(text)));
  child.stderr.on('data', (text) => (texts.err += String(text)));
  return { child, texts, closed: once(child, 'close') };
}

async function run(...args: string[]) {
  const { texts, closed } = start(...args);
  const [code] = (await closed) as [number];
  return { code, ...texts };
}

describe('the command line of the packed package', () => {
  it('has commands that need no other file, and says that no service answered', async () => {
    expect(await run('help')).toMatchObject({ code: 0, err: '' });
    expect(await run('who', 'db-prod:write', '--url', 'http://127.0.0.1:1')).toMatchObject({ code: 3, out: '' });
  });

  it('shows with `dev` the page of the package over its example, until it is stopped', async () => {
    const { child, texts, closed } = start('dev', '--port', '0');
    while (!texts.out.includes('?token=')) await once(child.stdout, 'data');
    const address = /http:\S+/.exec(texts.out)?.[0] ?? '';
    const { origin } = new URL(address);
    const session = (await fetch(address, { redirect: 'manual' })).headers.get('set-cookie')?.split(';')[0] ?? '';
    const form = { method: 'POST', headers: { cookie: session, origin }, body: new URLSearchParams({ person: 'user:sam' }) };
    const person = (await fetch(`${origin}/people`, { ...form, redirect: 'manual' })).headers.get('set-cookie')?.split(';')[0] ?? '';
    const get = async (path: string) => {
      const response = await fetch(new URL(path, `${origin}/console/`), {
        headers: { cookie: `${session}; ${person}`, accept: 'text/html' },
      });
      return { status: response.status, text: await response.text() };
    };
    const page = await get('');
    const script = /<script[^>]* src="([^"]+)"/.exec(page.text)?.[1] ?? 'none';
    expect([page.status, (await get(script)).status, (await get('/access/v1/grants?limit=1')).status]).toEqual([200, 200, 200]);
    child.kill('SIGINT');
    expect([await closed, texts.err]).toEqual([[0, null], '']);
  });
});
