import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { freePort } from '../free-port.js';
import { Proxy } from '../proxy.js';

const SERVERS = '/usr/lib/postgresql';

/** The programs of the newest PostgreSQL of Debian: the npm package has no `pg_basebackup` and no `pg_rewind`. */
const binaries = (existsSync(SERVERS) ? readdirSync(SERVERS) : [])
  .sort((a, b) => Number(b) - Number(a))
  .map((version) => join(SERVERS, version, 'bin'))
  .find((bin) => existsSync(join(bin, 'pg_basebackup')));

const runs = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
export const hasPatroni = binaries !== undefined && runs('patroni') && runs('etcd');

/** In seconds. These are the least that Patroni allows, and `loop_wait + 2 * retry_timeout <= ttl` must hold. */
export const TIMES = { ttl: 20, loop_wait: 1, retry_timeout: 3 } as const;

/** Where this process is root: the user of Debian's PostgreSQL, as whom the servers run. */
const owner = (): { readonly uid: number; readonly gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(String(spawnSync('id', [flag, 'postgres']).stdout).trim());
  return { uid: id('-u'), gid: id('-g') };
};

/** A program of the cluster, as the user of its servers. */
class Program {
  readonly child: ChildProcess;
  readonly #log: string;
  readonly #ended: Promise<unknown>;
  readonly #kill = () => this.child.kill('SIGKILL');

  constructor(program: string, args: readonly string[], folder: string, name: string) {
    this.#log = join(folder, `${name}.log`);
    const log = openSync(this.#log, 'a');
    this.child = spawn(program, args, { stdio: ['ignore', log, log], cwd: folder, ...owner() });
    this.#ended = once(this.child, 'exit');
    process.once('exit', this.#kill);
  }

  /** @throws Error if it has ended by itself */
  check(): void {
    if (this.child.exitCode !== null) throw new Error(`${this.child.spawnfile} has ended: ${this.log()}`);
  }

  /** The end of its log. */
  log(): string {
    return readFileSync(this.#log, 'utf8').slice(-2_000);
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#ended;
    process.off('exit', this.#kill);
  }
}

/** A PostgreSQL, and the Patroni that runs it. Its connections to etcd, and those of the other servers to it, lead through proxies. */
export class Node {
  readonly name: string;
  /** Where the programs on its side of a cut reach it. */
  readonly url: string;
  readonly #rest: string;
  readonly #data: string;
  readonly #patroni: Program;
  readonly #proxies: readonly Proxy[];

  private constructor(name: string, url: string, rest: string, data: string, patroni: Program, proxies: readonly Proxy[]) {
    this.name = name;
    this.url = url;
    this.#rest = rest;
    this.#data = data;
    this.#patroni = patroni;
    this.#proxies = proxies;
  }

  static async start(name: string, folder: string, etcd: string, isSynchronous: boolean): Promise<Node> {
    const [port, rest] = [await freePort(), await freePort()];
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    const proxies = [await Proxy.to(etcd), await Proxy.to(url)] as const;
    const [toEtcd, toServer] = proxies.map((proxy) => new URL(proxy.url).host);
    const data = join(folder, name);
    const config = join(folder, `${name}.json`);
    const settings = {
      scope: 'jit',
      name,
      restapi: { listen: `127.0.0.1:${rest}`, connect_address: `127.0.0.1:${rest}` },
      // Otherwise it would find etcd's own address, and reach it past the proxy.
      etcd3: { hosts: [toEtcd], use_proxies: true },
      bootstrap: {
        dcs: {
          ...TIMES,
          synchronous_mode: isSynchronous,
          synchronous_mode_strict: isSynchronous,
          postgresql: { use_pg_rewind: true, parameters: { wal_log_hints: 'on' } },
        },
        initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, { auth: 'trust' }],
      },
      postgresql: {
        listen: `127.0.0.1:${port}`,
        connect_address: toServer,
        data_dir: data,
        pgpass: join(folder, `${name}.pgpass`),
        bin_dir: binaries,
        pg_hba: ['local all all trust', 'host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'],
        authentication: { superuser: { username: 'postgres' }, replication: { username: 'postgres' }, rewind: { username: 'postgres' } },
        // Durability against a power cut is not what is tested.
        parameters: { unix_socket_directories: folder, fsync: 'off' },
      },
    };
    writeFileSync(config, JSON.stringify(settings));
    return new Node(name, url, `http://127.0.0.1:${rest}`, data, new Program('patroni', [config], folder, name), proxies);
  }

  /** The role that it says it has: `primary`, `replica` or another word of Patroni's. @throws Error if Patroni has ended */
  async role(): Promise<string> {
    this.#patroni.check();
    try {
      const answer = await fetch(`${this.#rest}/patroni`, { signal: AbortSignal.timeout(1_000) });
      const { role, state } = (await answer.json()) as { readonly role?: string; readonly state?: string };
      return `${role === 'master' ? 'primary' : role} ${state}`;
    } catch {
      return 'unknown';
    }
  }

  /** Whether so many servers follow it, and with synchronous replication one of them confirms its commits. */
  async isFollowed(followers: number, isSynchronous: boolean): Promise<boolean> {
    try {
      const answer = await fetch(`${this.#rest}/cluster`, { signal: AbortSignal.timeout(1_000) });
      const { members } = (await answer.json()) as { readonly members: readonly { readonly role: string; readonly state: string }[] };
      const following = members.filter(({ state }) => state === 'streaming');
      return following.length === followers && (!isSynchronous || following.some(({ role }) => role === 'sync_standby'));
    } catch {
      return false;
    }
  }

  /** Nothing passes any more between it and etcd, or the other servers. What runs beside it still reaches it. */
  cutOff(): void {
    for (const proxy of this.#proxies) for (const way of ['to the server', 'to the client'] as const) proxy.blackHole(way);
  }

  rejoin(): void {
    for (const proxy of this.#proxies) proxy.mend();
  }

  /** Stops Patroni, as a machine does that has no time for it. PostgreSQL continues. */
  suspendPatroni(): void {
    this.#patroni.child.kill('SIGSTOP');
  }

  resumePatroni(): void {
    this.#patroni.child.kill('SIGCONT');
  }

  log(): string {
    return this.#patroni.log();
  }

  async stop(): Promise<void> {
    await this.#patroni.stop();
    const pid = join(this.#data, 'postmaster.pid');
    if (existsSync(pid)) {
      try {
        process.kill(Number(readFileSync(pid, 'utf8').split('\n')[0]), 'SIGQUIT');
      } catch {
        // It has ended.
      }
    }
    for (const proxy of this.#proxies) await proxy.close();
  }
}

/**
 * Three PostgreSQL servers under Patroni, with one etcd. With two, a strictly synchronous primary that has replaced the other one would
 * acknowledge nothing.
 */
export class Cluster {
  readonly nodes: readonly Node[];
  readonly #isSynchronous: boolean;
  readonly #etcd: Program;
  readonly #folder: string;

  private constructor(nodes: readonly Node[], isSynchronous: boolean, etcd: Program, folder: string) {
    this.nodes = nodes;
    this.#isSynchronous = isSynchronous;
    this.#etcd = etcd;
    this.#folder = folder;
  }

  static async start({ synchronous }: { readonly synchronous: boolean }): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), 'jit-access-patroni-'));
    chmodSync(folder, 0o755);
    const { uid, gid } = owner() ?? {};
    if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
    mkdirSync(join(folder, 'etcd'), { mode: 0o700 });
    if (uid !== undefined && gid !== undefined) chownSync(join(folder, 'etcd'), uid, gid);
    const [clients, peers] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
    const etcd = new Program(
      'etcd',
      [
        ...['--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync', '--log-level', 'error'],
        ...['--listen-client-urls', clients, '--advertise-client-urls', clients],
        ...['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers, '--initial-cluster', `default=${peers}`],
      ],
      folder,
      'etcd',
    );
    await until(async () => (await fetch(`${clients}/health`).catch(() => undefined))?.ok === true);
    const first = await Node.start('a', folder, clients, synchronous);
    await until(async () => (await first.role()) === 'primary running');
    const others = [await Node.start('b', folder, clients, synchronous), await Node.start('c', folder, clients, synchronous)];
    const cluster = new Cluster([first, ...others], synchronous, etcd, folder);
    await cluster.settled();
    return cluster;
  }

  /** Waits until one server is the primary, and the others follow it. */
  async settled(): Promise<Node> {
    let primary: Node | undefined;
    await until(async () => {
      primary = await this.primaryAmong(this.nodes);
      return primary !== undefined && (await primary.isFollowed(this.nodes.length - 1, this.#isSynchronous));
    });
    return primary as Node;
  }

  async primaryAmong(nodes: readonly Node[]): Promise<Node | undefined> {
    const roles = await Promise.all(nodes.map((node) => node.role()));
    return nodes[roles.indexOf('primary running')];
  }

  /** The last lines of each program, for a test that has failed. */
  logs(): string {
    return this.nodes.map((node) => `${node.name}:\n${node.log()}`).join('\n');
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.stop();
    await this.#etcd.stop();
    await until(async () => {
      try {
        rmSync(this.#folder, { recursive: true, force: true });
        return true;
      } catch {
        return false;
      }
    });
  }
}

/** Asks until the answer is yes. The programs of a cluster report nothing by themselves. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await later(50);
}
