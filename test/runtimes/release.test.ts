import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../docs/pages.js';
import { describeRuntime, runtimePath } from './runtimes.js';

const folder = mkdtempSync(join(tmpdir(), 'jit-release-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { readonly version: string };
const tag = `v${version}`;
const tarball = `jit-access-${version}.tgz`;

function git(cwd: string, ...args: string[]): string {
  const author = ['-c', 'user.name=test', '-c', 'user.email=test@example.com'];
  return execFileSync('git', [...author, ...args], { cwd, encoding: 'utf8' });
}

/** A repository with the files of this one, as they are now, in a state that may be released. */
function repository(): string {
  const place = join(folder, 'origin');
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  for (const file of files.split('\0').filter((path) => path !== '' && existsSync(root + path) && !path.startsWith('.changeset/'))) {
    mkdirSync(dirname(join(place, file)), { recursive: true });
    cpSync(root + file, join(place, file));
  }
  const manifest = readFileSync(join(place, 'package.json'), 'utf8');
  writeFileSync(join(place, 'package.json'), manifest.replace('github.com/OWNER/', 'github.com/acme/'));
  writeFileSync(join(place, 'CHANGELOG.md'), `# jit-access\n\n## ${version}\n\n- The first one.\n\n## 0.0.0\n\n- None.\n`);
  mkdirSync(join(place, '.changeset'));
  cpSync(`${root}.changeset/config.json`, join(place, '.changeset/config.json'));
  git(place, 'init', '--quiet', '--initial-branch=main');
  git(place, 'add', '--all');
  git(place, 'commit', '--quiet', '--message=build: release');
  return place;
}

/** A clone with the build that all tests of this tier share, and the tools of this repository. */
function clone(origin: string, name: string): string {
  const place = join(folder, name);
  git(folder, 'clone', '--quiet', origin, place);
  writeFileSync(join(place, '.git/info/exclude'), 'node_modules\n');
  symlinkSync(`${root}node_modules`, join(place, 'node_modules'), 'junction');
  cpSync(`${root}dist`, join(place, 'dist'), { recursive: true });
  return place;
}

interface Bill {
  readonly metadata: { readonly component: { readonly purl: string } };
  readonly components: readonly {
    readonly purl: string;
    readonly hashes: readonly unknown[];
    readonly licenses: readonly { readonly license: { readonly id: string } }[];
  }[];
}

interface Packument {
  readonly readme: string;
  readonly versions: Readonly<
    Record<string, { readonly homepage: string; readonly bugs: unknown; readonly dist: { readonly tarball: string } }>
  >;
}

/** The first program of the README. */
const program = /^```ts\n(import .*?)^```/ms.exec(readFileSync(`${root}README.md`, 'utf8'))?.[1] ?? '';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** With no setting of this machine for npm. */
const env = {
  ...process.env,
  npm_config_cache: join(folder, 'cache'),
  npm_config_userconfig: join(folder, '.npmrc'),
  npm_config_update_notifier: 'false',
};

function run(cwd: string, program: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

const release = (place: string, ...args: string[]) => run(place, process.execPath, '.ci/release.js', ...args);
const packed = (place: string, file: string) => readFileSync(join(place, '.tmp/release', file));
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let first: string;
beforeAll(() => {
  first = clone(repository(), 'first');
});

describe('a release is refused', () => {
  const edit = (file: string, change: (text: string) => string) => {
    writeFileSync(join(first, file), change(readFileSync(join(first, file), 'utf8')));
  };
  const commit = (file: string, text: string) => {
    writeFileSync(join(first, file), text);
    git(first, 'add', file);
    git(first, 'commit', '--quiet', '--message=test: spoil');
  };

  it.each([
    ['with a file that is not committed', () => writeFileSync(join(first, 'draft.md'), ''), 'The working tree has changes'],
    [
      'with a file that Git ignores and npm packs',
      () => {
        mkdirSync(join(first, 'docs/temp'));
        writeFileSync(join(first, 'docs/temp/draft.md'), '');
      },
      'Files that are not in the repository would be packed: docs/temp/draft.md',
    ],
    [
      'without the owner of the repository',
      () => edit('package.json', (text) => text.replace('github.com/acme/', 'github.com/OWNER/')),
      '"repository" still names OWNER',
    ],
    [
      'with a changeset',
      () => commit('.changeset/some-change.md', 'A change.'),
      'Changesets are left: run "npm run version:next". some-change.md',
    ],
    ['without its part of the changelog', () => commit('CHANGELOG.md', '## 0.0.0-other'), `CHANGELOG.md has no "## ${version}".`],
  ])('%s', (_, spoil, message) => {
    spoil();
    const { status, stderr } = release(first, 'pack', tag, '--built');
    git(first, 'reset', '--quiet', '--hard', 'origin/main');
    git(first, 'clean', '--quiet', '--force');
    rmSync(join(first, 'docs/temp'), { recursive: true, force: true });
    expect([status, stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  it('under the tag of another version', () => {
    expect(release(first, 'pack', 'v0.0.9', '--built')).toMatchObject({
      status: 1,
      stderr: `The tag of version ${version} is ${tag}, not v0.0.9.\n`,
    });
  });
});

describe('a release', () => {
  let printed: string;
  beforeAll(() => {
    const { status, stdout, stderr } = release(first, 'pack', tag, '--built');
    expect([status, stderr]).toEqual([0, '']);
    printed = stdout;
  });

  it('is the same tarball, byte for byte, from another clone and another build', () => {
    const second = clone(join(folder, 'origin'), 'second');
    expect(release(second, 'pack', tag)).toMatchObject({ status: 0 });
    expect(hashOf(packed(second, tarball))).toBe(hashOf(packed(first, tarball)));
  });

  it('prints the hash of its tarball, and has it in its notes and checksums', () => {
    const hash = hashOf(packed(first, tarball));
    expect(printed).toContain(`sha256 ${hash}\nsha512-`);
    expect(packed(first, 'NOTES.md').toString()).toMatch(new RegExp(`^- The first one\\.\n.*sha256 ${hash}\n`, 's'));
    expect(packed(first, 'NOTES.md').toString()).not.toContain('- None.');
    expect(run(join(first, '.tmp/release'), 'sha256sum', '--check', 'SHA256SUMS')).toMatchObject({
      status: 0,
      stdout: `${tarball}: OK\nsbom.cdx.json: OK\nNOTES.md: OK\n`,
    });
  });

  it('has a bill of materials of the bundled code', () => {
    const { metadata, components } = JSON.parse(packed(first, 'sbom.cdx.json').toString()) as Bill;
    expect(metadata.component.purl).toBe(`pkg:npm/jit-access@${version}`);
    const names = components.map(({ purl }) => /^pkg:npm\/(.+)@[\d.]+$/.exec(purl)?.[1]);
    expect(names.sort()).toEqual(['%40noble/hashes', '%40preact/signals', '%40preact/signals-core', 'canonicalize', 'preact', 'zod']);
    expect(components.filter(({ hashes }) => hashes.length !== 1)).toEqual([]);
    expect(new Set(components.flatMap(({ licenses }) => licenses.map(({ license }) => license.id)))).toEqual(
      new Set(['Apache-2.0', 'MIT']),
    );
  });

  it('links from the README, and to what is not packed, to the repository at its tag', () => {
    const files = run(folder, 'tar', '-xzf', join(first, '.tmp/release', tarball), '-C', folder);
    expect(files).toMatchObject({ status: 0 });
    const pages = run(join(folder, 'package'), 'find', '.', '-name', '*.md').stdout.trim().split('\n');
    const linksOf = (page: string) => {
      const prose = readFileSync(join(folder, 'package', page), 'utf8').replace(/^```.*?^```/gms, '');
      const links = [...prose.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)].map(([, link, image]) => link ?? image ?? '');
      return links.filter((link) => !link.startsWith('#'));
    };
    const own = linksOf('README.md');
    expect(own.filter((link) => !link.startsWith('https://'))).toEqual([]);
    expect(own).toContain(`https://github.com/acme/jit-access/blob/${tag}/docs/README.md`);
    expect(own.filter((link) => /\.webp$/.test(link)).length).toBeGreaterThan(0);
    for (const link of own.filter((address) => address.includes('acme/jit-access/'))) {
      const path =
        /^https:\/\/(?:raw\.githubusercontent\.com\/acme\/jit-access|github\.com\/acme\/jit-access\/blob)\/v[\d.]+\/([^#]+)/.exec(
          link,
        )?.[1];
      expect([link, existsSync(join(first, path ?? ''))]).toEqual([link, true]);
    }
    const dead = pages.flatMap((page) =>
      linksOf(page)
        .filter((link) => !/^\w+:/.test(link) && !existsSync(join(folder, 'package', dirname(page), link.split('#')[0] ?? '')))
        .map((link) => `${page} -> ${link}`),
    );
    expect(dead).toEqual([]);
  });

  it('is not published with another tarball', () => {
    const other = clone(join(folder, 'origin'), 'other');
    cpSync(join(first, '.tmp'), join(other, '.tmp'), { recursive: true });
    writeFileSync(join(other, '.tmp/release', tarball), 'other');
    const differs = { status: 1, stderr: `${tarball} differs from its hash in SHA256SUMS.\n` };
    expect(release(other, 'publish', 'true')).toMatchObject(differs);
    // Nor where no hash says which one it is.
    writeFileSync(join(other, '.tmp/release/SHA256SUMS'), '');
    expect(release(other, 'publish', 'true')).toMatchObject(differs);
  });

  describeRuntime('npm-12', 'with the npm of the workflow', (npm) => {
    it('is staged by npm stage publish', () => {
      // `npm run --silent`, which may run this test, also silences the npm that it starts.
      const stage = [runtimePath('node-22'), npm, 'stage', 'publish', '--dry-run', '--loglevel=notice'];
      const { status, stdout, stderr } = release(first, 'publish', ...stage);
      expect([status, stdout, stderr]).toEqual([0, expect.stringContaining(`jit-access@${version}`), expect.stringContaining(tarball)]);
    });
  });

  describeRuntime('verdaccio', 'in a registry', (verdaccio) => {
    let server: ChildProcess;
    let address: string;

    beforeAll(async () => {
      const port = await freePort();
      address = `http://127.0.0.1:${port}/`;
      const config = join(folder, 'verdaccio.yaml');
      writeFileSync(
        config,
        `storage: ./storage\npackages: { '**': { access: $all, publish: $anonymous } }\nlog: { type: stdout, level: warn }\n`,
      );
      writeFileSync(join(folder, '.npmrc'), `registry=${address}\n//127.0.0.1:${port}/:_authToken=none\n`);
      server = spawn(runtimePath('node-22'), ['--no-warnings', verdaccio, '--config', config, '--listen', `127.0.0.1:${port}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      for await (const chunk of server.stdout ?? []) if (String(chunk).includes('http address')) break;
      // It asks no other registry, and has only this package.
      expect(release(first, 'publish', 'npm', 'publish', '--provenance=false')).toMatchObject({ status: 0 });
    });
    afterAll(async () => {
      server.kill();
      await once(server, 'exit');
    });

    it('is described by its manifest: npm derives the homepage and the address for bugs', async () => {
      const { versions, readme } = (await (await fetch(`${address}jit-access`)).json()) as Packument;
      const { homepage, bugs, dist } = versions[version] as Packument['versions'][string];
      expect([homepage, bugs]).toEqual(['https://github.com/acme/jit-access#readme', { url: 'https://github.com/acme/jit-access/issues' }]);
      expect(readme).toContain('# jit-access');
      expect(hashOf(new Uint8Array(await (await fetch(dist.tarball)).arrayBuffer()))).toBe(hashOf(packed(first, tarball)));
    });

    const node = process.execPath;
    const [pnpm, yarn] = ['pnpm/bin/pnpm.cjs', '@yarnpkg/cli-dist/bin/yarn.js'].map((file) =>
      join(root, '.ci/registry/node_modules', file),
    );
    it.each([
      ['npm', ['npm', 'install'], [node]],
      ['pnpm', [node, pnpm, 'add'], [node]],
      // Without a folder node_modules: Plug'n'Play, its default.
      ['yarn', [node, yarn, 'add'], [node, yarn, 'node']],
      ['bun', [runtimePath('bun'), 'add'], [runtimePath('bun')]],
    ] as [string, [string, ...string[]], [string, ...string[]]][])(
      'is installed by %s, and the first program runs',
      (manager, [install, ...args], [start, ...before]) => {
        const place = join(folder, 'installed', manager);
        mkdirSync(place, { recursive: true });
        writeFileSync(join(place, 'package.json'), JSON.stringify({ name: 'first', version: '1.0.0', type: 'module', private: true }));
        writeFileSync(join(place, '.npmrc'), `registry=${address}\n`);
        // Yarn leaves the versions of the last days aside.
        writeFileSync(
          join(place, '.yarnrc.yml'),
          `npmRegistryServer: ${address}\nunsafeHttpWhitelist: [127.0.0.1]\nnpmMinimalAgeGate: 0\nenableGlobalCache: false\nenableTelemetry: false\n`,
        );
        const installed = run(place, install, ...args, 'jit-access');
        expect({ ...installed, status: installed.status }).toMatchObject({ status: 0 });
        writeFileSync(join(place, 'first.js'), program);
        const { status, stdout, stderr } = run(place, start, ...before, 'first.js');
        expect([status, stdout, stderr]).toEqual([0, expect.stringMatching(/^false\ntrue\n/), '']);
      },
    );
  });
});
