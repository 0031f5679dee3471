import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../free-port.js';

/** Whether a PgBouncer can be started. */
export const hasPooler = spawnSync('pgbouncer', ['--version']).status === 0;

/** A PgBouncer in transaction mode before a PostgreSQL: its clients share fewer connections. */
export class Pooler {
  /** Where its clients connect. */
  readonly url: string;
  readonly stop: () => Promise<void>;

  private constructor(url: string, stop: () => Promise<void>) {
    this.url = url;
    this.stop = stop;
  }

  /**
   * @param url of the PostgreSQL
   * @param prepared how many prepared statements it keeps for each connection; 0: it supports none
   */
  static async before(url: string, { prepared }: { readonly prepared: number }): Promise<Pooler> {
    const { hostname, port, username, password, pathname } = new URL(url);
    const own = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'jit-access-pooler-'));
    const config = join(folder, 'pgbouncer.ini');
    const target = `host=${hostname} port=${port} user=${username} password=${password} dbname=${pathname.slice(1)}`;
    writeFileSync(
      config,
      `[databases]
* = ${target}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_prepared_statements = ${prepared}
`,
    );
    // It refuses to run as root, and its other user must be able to read its file.
    chmodSync(folder, 0o755);
    const child = spawn('pgbouncer', [...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []), config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    const ended = once(child, 'exit');
    const stop = async () => {
      kill();
      await ended;
      process.off('exit', kill);
      rmSync(folder, { recursive: true, force: true });
    };
    let log = '';
    const isUp = new Promise<boolean>((resolve) => {
      child.stderr.on('data', (said) => (log += String(said)).includes('process up') && resolve(true));
      child.once('exit', () => resolve(false));
    });
    if (await isUp) return new Pooler(`postgres://${username}@127.0.0.1:${own}/postgres`, stop);
    await stop();
    throw new Error(`PgBouncer did not start: ${log.slice(-500)}`);
  }
}
