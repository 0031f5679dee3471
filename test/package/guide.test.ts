import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { blocksOf } from '../docs/pages.js';
import { freePort } from '../stores/free-port.js';
import { Postgres } from '../stores/sql/postgres.js';
import { root } from './entries.js';

/*
 * Follows the guide line by line, in an empty folder, with the packed package and a PostgreSQL. Only `npm install` is
 * replaced: it must name the packages that the programs import, and links them from node_modules, without a registry.
 */
describe('docs/guides/express-postgresql.md', () => {
  const blocks = blocksOf('docs/guides/express-postgresql.md');
  const folder = mkdtempSync(join(tmpdir(), 'jit-access-guide-'));
  let postgres: Postgres;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    postgres = await Postgres.start();
    env = { ...process.env, DATABASE_URL: postgres.url, PORT: String(await freePort()) };
  });
  afterAll(async () => {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (command: string): string => {
    const [program = '', ...args] = command.split(' ');
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: folder,
      env,
      encoding: 'utf8',
      shell: process.platform === 'win32',
    });
    expect([command, status, stderr]).toEqual([command, 0, '']);
    return stdout;
  };

  const install = (names: readonly string[]): void => {
    mkdirSync(join(folder, 'node_modules'));
    for (const name of names) {
      const source = join(name === 'jit-access' ? inject('installed') : root, 'node_modules', name);
      symlinkSync(source, join(folder, 'node_modules', name), 'junction');
    }
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { type: string };
    expect(manifest.type).toBe('module');
  };

  it('runs from an empty folder to the audit, and prints the documented output', async () => {
    let printed = '';
    const ran: string[] = [];
    for (const block of blocks) {
      if (block.file !== undefined) writeFileSync(join(folder, basename(block.file)), block.code);
      else if (block.info === 'text') expect(printed).toBe(block.code);
      else if (block.info === 'sh') {
        for (const command of block.code.trim().split('\n')) {
          ran.push(command);
          if (command.startsWith('npm install ')) install(command.split(' ').slice(2));
          else if (command === 'node server.js') await begin();
          else printed = run(command);
        }
      }
    }
    expect(ran.slice(-3)).toEqual(['node server.js', 'node try.js', 'node audit.js']);
    await end();
  });

  let server: ReturnType<typeof spawn> | undefined;
  const begin = async (): Promise<void> => {
    server = spawn(process.execPath, ['server.js'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [first] = (await once(server.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    expect(String(first)).toBe('ready\n');
  };
  /** SIGTERM shuts the service down: it exits with 0 once everything is closed. */
  const end = async (): Promise<void> => {
    const exit = once(server as NonNullable<typeof server>, 'exit');
    server?.kill('SIGTERM');
    if (process.platform !== 'win32') expect((await exit)[0]).toBe(0);
  };

  it('[NC2] lets no signed-in person end the access of another, and answers a call without a body with no stack trace', async () => {
    await begin();
    const call = async (path: string, body?: string): Promise<readonly [number, string]> => {
      const headers = { authorization: 'Bearer token-of-maya', ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
      const response = await fetch(`http://localhost:${env['PORT']}${path}`, { method: 'POST', headers, body: body ?? null });
      return [response.status, await response.text()];
    };
    // The routes of the handler, and those that the guide once wrote by hand.
    for (const base of ['/access', '/access/v1']) {
      for (const path of ['/revoke', '/revocations']) {
        const [status] = await call(base + path, JSON.stringify({ subject: 'user:sam', reason: 'mine' }));
        expect([base + path, status]).toEqual([base + path, expect.toSatisfy((code: number) => code === 403 || code === 404)]);
      }
      for (const path of ['/requests', '/revoke', '/revocations', '/requests/x/approve']) {
        const [status, text] = await call(base + path);
        expect([base + path, status < 500, /node_modules|at \S+ \(/.test(text)]).toEqual([base + path, true, false]);
      }
    }
    await end();
  });

  it('names each program that readers of the guide save', () => {
    const files = blocks.flatMap(({ file }) => (file === undefined ? [] : [file]));
    expect(new Set(files.map((file) => dirname(file)))).toEqual(new Set(['examples/express-postgresql']));
    expect(files.map((file) => basename(file))).toEqual(['access.js', 'server.js', 'try.js', 'audit.js']);
  });
});
