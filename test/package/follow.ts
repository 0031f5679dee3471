import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, inject } from 'vitest';
import { createClient } from 'jit-access/client';
import { partsOf, type Block } from '../docs/pages.js';
import { freePort } from '../stores/free-port.js';
import { root } from './entries.js';

/*
 * Follows a page line by line in an empty folder, as its reader does. A page is followed if it has one block with a `file:`. The marks:
 *
 * - `<!-- file: server.js -->` above a block: the block is saved under that name. The sentence before it says so to the reader.
 * - `<!-- change: server.js -->` above a block `diff`: that file is changed. Each part, up to a line `@@`, has one place in the file.
 * - A block `sh`: its commands run one by one, each in a shell of its own. A `\` at the end of a line continues the command.
 *   `npm install` links the packed package, and each package that this repository has; npm installs any other one.
 * - A block `sh serve`: one command that runs until the page, or `<!-- stop -->`, ends it with SIGTERM. It must then exit with 0; `npx` is
 *   ended by the signal itself.
 *   Each address that it prints must answer.
 * - A block `text` below either: what the commands print, or what the server prints when it is ready. `...` is any text.
 * - `<!-- sam approves -->`, `<!-- sam denies -->`, `<!-- maya releases -->`: what a person does in the console, on port 3000. The test
 *   signs in at `/as/<name>`, opens `/console`, and makes the call of the button, for each request or grant of the person.
 * - `export NAME=value` sets variables, and `<at>` in a command is the field `at` of the last answer that had one.
 *
 * The ports 3000 to 3009 of the page become free ones. A page that names DATABASE_URL gets a PostgreSQL there.
 * With JIT_GUIDES=registry, npm really installs all packages but this one.
 */
export async function follow(
  page: string,
  env: Readonly<Record<string, string>>,
  atEnd?: (at: Place) => Promise<void>,
  marks: Marks = {},
): Promise<void> {
  const ports = await Promise.all(Array.from({ length: 10 }, freePort));
  const reader = new Reader(ports, { ...process.env, ...env, PORT: String(ports[0]) }, marks);
  try {
    const parts = partsOf(page);
    for (const [i, part] of parts.entries()) await reader.take(part, parts[i + 1]?.block);
    await atEnd?.(reader);
    await reader.stop();
  } finally {
    reader.leave();
  }
}

/** Where the service of a page is, and who may call it. */
export interface Place {
  /** The address of a port of the page. */
  readonly at: (port: number) => string;
  /** What the server of the page has printed. */
  readonly printed: () => string;
  /** Signs in as one of the people of the page, and returns the cookie. */
  readonly signIn: (name: string) => Promise<string>;
}

/** What the marks of a page mean to its own test, instead of the above. */
export type Marks = Readonly<Record<string, (at: Place) => Promise<void>>>;

class Reader implements Place {
  readonly #folder = mkdtempSync(join(tmpdir(), 'jit-access-guide-'));
  readonly #ports: readonly number[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #linked = new Set<string>();
  readonly #servers: ChildProcess[] = [];
  readonly #marks: Marks;
  /** The file that the next block of `diff` changes. */
  #changed = '';
  #printed = '';
  #served = '';
  /** Everything that the commands have printed. */
  #log = '';

  constructor(ports: readonly number[], env: NodeJS.ProcessEnv, marks: Marks) {
    this.#ports = ports;
    this.#marks = marks;
    // npm prints no notice, and curl no progress, which it hides from a reader's terminal.
    this.#env = {
      ...env,
      npm_config_update_notifier: 'false',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      CURL_HOME: this.#folder,
    };
    writeFileSync(join(this.#folder, '.curlrc'), 'silent\nshow-error\n');
  }

  printed = (): string => this.#served;

  at = (port: number): string => `http://localhost:${this.#ports[port - 3000]}`;

  async take({ mark, block }: ReturnType<typeof partsOf>[number], next: Block | undefined): Promise<void> {
    if (block?.saveAs !== undefined) {
      const path = join(this.#folder, block.saveAs);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, this.#withPorts(block.code));
    } else if (mark?.startsWith('change: ') === true) {
      this.#changed = join(this.#folder, mark.slice('change: '.length));
    } else if (block?.info === 'diff') {
      writeFileSync(this.#changed, changed(readFileSync(this.#changed, 'utf8'), this.#withPorts(block.code)));
    } else if (block?.info === 'text') {
      expect(this.#printed).toMatch(likeText(block.code));
    } else if (block?.info === 'sh') {
      this.#printed = '';
      for (const command of commandsOf(block.code)) this.#printed += await this.#run(command);
    } else if (block?.info === 'sh serve') {
      await this.#serve(block.code.trim(), next?.info === 'text' ? next.code : '');
    } else if (mark !== undefined && Object.hasOwn(this.#marks, mark)) {
      await this.#marks[mark]?.(this);
    } else if (mark === 'stop') {
      await this.stop();
    } else {
      const [, name, verb] = /^(\w+) (approves|denies|releases)$/.exec(mark ?? '') ?? [];
      if (name !== undefined) await this.#inConsole(name, verb as 'approves' | 'denies' | 'releases');
    }
  }

  async #run(command: string): Promise<string> {
    const names = /^npm (?:i|install) (.+)$/.exec(command)?.[1]?.split(' ');
    if (names !== undefined) {
      await this.#install(names);
      return '';
    }
    const variables = /^export (.+)$/.exec(command)?.[1]?.split(' ');
    if (variables !== undefined) {
      Object.assign(this.#env, Object.fromEntries(variables.map((one) => this.#withPorts(one).split('='))));
      return '';
    }
    const at = [...this.#log.matchAll(/"at":"([^"]+)"/g)].at(-1)?.[1] ?? '<at>';
    const { code, stdout, stderr } = await this.#sh(this.#withPorts(command.replace('<at>', at)));
    expect([command, code, stderr]).toEqual([command, 0, '']);
    this.#log += stdout;
    return this.#asOnPage(stdout);
  }

  #sh(command: string): Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }> {
    return new Promise((resolve) => {
      execFile('sh', ['-c', command], { cwd: this.#folder, env: this.#env }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.code ?? error.signal), stdout, stderr });
      });
    });
  }

  async #install(names: readonly string[]): Promise<void> {
    const installed = inject('installed');
    const packages = names.filter((name) => !name.startsWith('-')).map((name) => /^@?[^@]+/.exec(name)?.[0] as string);
    // The bundler of Next follows no link out of its folder.
    const fromRegistry = process.env['JIT_GUIDES'] === 'registry' || packages.includes('next');
    const others = packages.filter((name) => name !== 'jit-access' && (fromRegistry || !existsSync(join(root, 'node_modules', name))));
    const tarball = readdirSync(installed).find((name) => /^jit-access-.*\.tgz$/.test(name)) as string;
    if (fromRegistry && packages.includes('jit-access')) others.push(join(installed, tarball));
    if (others.length > 0) {
      const { code, stderr } = await this.#sh(`npm install ${others.join(' ')}`);
      expect([code, stderr]).toEqual([0, expect.any(String)]);
    }
    for (const name of packages) if (!others.includes(name) && !fromRegistry) this.#linked.add(name);
    // npm removes the links of an earlier line.
    for (const name of this.#linked) this.#link(name, name === 'jit-access' ? installed : root);
  }

  #link(name: string, from: string): void {
    const source = join(from, 'node_modules', name);
    const put = (target: string, place: string) => {
      const path = join(this.#folder, 'node_modules', place);
      mkdirSync(dirname(path), { recursive: true });
      if (!existsSync(path)) symlinkSync(target, path, 'junction');
    };
    put(source, name);
    const { bin = {} } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as { bin?: string | Record<string, string> };
    for (const [command, path] of Object.entries(typeof bin === 'string' ? { [name]: bin } : bin))
      put(join(source, path), `.bin/${command}`);
  }

  /** Starts a command, and waits until it has printed the text. */
  async #serve(command: string, ready: string): Promise<void> {
    expect(ready, `what ${command} prints when it is ready`).not.toBe('');
    // A group of its own, so that SIGTERM reaches the program behind npm or npx, too.
    const server = spawn('sh', ['-c', `exec env ${this.#withPorts(command)}`], { cwd: this.#folder, env: this.#env, detached: true });
    this.#servers.push(server);
    const expected = likeText(ready);
    const isWhole = () => this.#printed.split('\n').length >= ready.split('\n').length && !ready.includes('...');
    let [output, errors] = ['', ''];
    server.stderr.on('data', (data: Buffer) => (errors += String(data)));
    await new Promise<void>((resolve, reject) => {
      server.stdout.on('data', (data: Buffer) => {
        output += String(data);
        this.#served = output;
        this.#printed = this.#asOnPage(output);
        if (expected.test(this.#printed) || isWhole()) resolve();
      });
      server.once('close', (code) => reject(new Error(`${command} ended with ${code}\n${output}${errors}`)));
    });
    // [A19] A reader opens the address that is printed.
    for (const [address] of output.matchAll(/http:\/\/(?:localhost|127\.0\.0\.1):\d+\S*/g))
      expect([address, (await fetch(address, { headers: { accept: 'text/html' } })).status]).toEqual([address, 200]);
  }

  signIn = async (name: string): Promise<string> => {
    const answer = await fetch(`${this.at(3000)}/as/${name}`, { redirect: 'manual' });
    return answer.headers
      .getSetCookie()
      .map((cookie) => cookie.split(';')[0])
      .join('; ');
  };

  async #inConsole(name: string, verb: 'approves' | 'denies' | 'releases'): Promise<void> {
    const cookie = await this.signIn(name);
    const opened = await fetch(`${this.at(3000)}/console`, { headers: { cookie, accept: 'text/html' } });
    expect([opened.status, opened.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    const client = createClient({
      baseUrl: `${this.at(3000)}/access`,
      caller: `user:${name}`,
      fetch: (url, init) => fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), cookie } }),
    });
    const requests = verb === 'releases' ? (await client.status()).held : (await client.inbox()).items;
    expect(requests, `what ${name} sees in the console`).not.toEqual([]);
    for (const one of requests) {
      if ('requestId' in one) await client.releaseGrant(one.id);
      else if (verb === 'approves') await client.approve(one.request.id);
      else await client.deny(one.request.id);
    }
  }

  /** Ends the commands that still run. SIGTERM lets each close what it uses. */
  async stop(): Promise<void> {
    for (const server of this.#servers.splice(0).reverse()) {
      const exit = once(server, 'exit');
      process.kill(-(server.pid as number), 'SIGTERM');
      const command = server.spawnargs.at(-1) as string;
      expect(await exit, command).toEqual(command.includes(' npx ') ? [null, 'SIGTERM'] : [0, null]);
    }
  }

  /** After a failure the servers are still there. */
  leave(): void {
    for (const { pid, exitCode } of this.#servers) if (exitCode === null) process.kill(-(pid as number), 'SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #withPorts = (text: string): string => text.replace(/\b300\d\b/g, (port) => String(this.#ports[Number(port) - 3000]));

  #asOnPage(output: string): string {
    const text = this.#ports.reduce((all, port, i) => all.replaceAll(`:${port}`, `:${3000 + i}`), output);
    return text === '' || text.endsWith('\n') ? text : `${text}\n`;
  }
}

/** The commands of a block. */
const commandsOf = (code: string): string[] =>
  code
    .replaceAll(/\\\n\s*/g, '')
    .trim()
    .split('\n');

/** A file after the change of a block of `diff`. */
function changed(file: string, diff: string): string {
  return diff.split(/^@@\n/m).reduce((text, part) => {
    const without = (sign: RegExp) => part.replaceAll(sign, '').replaceAll(/^[ +-]/gm, '');
    const pieces = text.split(without(/^\+.*\n/gm));
    expect(pieces.length - 1, `places of\n${part}`).toBe(1);
    return pieces.join(without(/^-.*\n/gm));
  }, file);
}

/** Matches a text of which the page omits parts. */
function likeText(text: string): RegExp {
  const parts = text.split('...').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*?')}$`);
}
