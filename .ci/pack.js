/*
 * Packs the package from a copy of its files, and leaves the repository as it is:
 *
 *   npm run tarball                       writes the tarball to .tmp/package
 *   node .ci/pack.js <folder> [--json]    writes it there; --json prints what `npm pack --json` prints
 *
 * The copy has no link to what is not packed, and its package.json nothing that only this repository needs.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, posix, resolve } from 'node:path';

const root = join(import.meta.dirname, '..');
const manifest = () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

export function fail(reason) {
  console.error(reason);
  process.exit(1);
}

export function run(program, ...args) {
  // On Windows npm is a script, which only a shell starts.
  const shell = process.platform === 'win32' && program === 'npm';
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1e9, shell };
  const { status, stdout, error } = spawnSync(program, args, options);
  if (status !== 0) fail(`${[program, ...args].join(' ')} failed${error === undefined ? '' : `: ${error.message}`}\n${stdout ?? ''}`);
  return stdout;
}

/** What `npm pack --json` says about a folder. */
const npmPack = (...args) => JSON.parse(run('npm', 'pack', ...args, '--json', '--ignore-scripts'))[0];

/** The files that npm packs, as paths in the repository. */
export const filesOfPackage = () => npmPack('--dry-run').files.map(({ path }) => path);

/** Users run no script of this repository, and install none of its tools. */
function publishedManifest() {
  const { scripts, devDependencies, overrides, allowScripts, ...published } = manifest();
  return `${JSON.stringify(published, undefined, 2)}\n`;
}

/**
 * The registry's page resolves no `srcset`, and pictures and API reports are not packed: README links to the repository, and so does
 * each page where the package lacks the target.
 */
function absoluteLinks(page, text, packed) {
  const { repository, version } = manifest();
  const place = /github\.com\/(.+)\.git$/.exec(repository.url)?.[1];
  const isPacked = (target) => packed.some((path) => path === target || path.startsWith(`${target}/`));
  const absolute = (whole, before, link) => {
    const [path, anchor] = link.split(/(?=#)/);
    if (/^(?:\w+:|#)/.test(link)) return whole;
    const target = posix.join(posix.dirname(page), path).replace(/\/$/, '');
    if (page !== 'README.md' && isPacked(target)) return whole;
    const base = /\.(?:webp|png|svg)$/.test(target) ? `https://raw.githubusercontent.com/${place}` : `https://github.com/${place}/blob`;
    return `${before}${base}/v${version}/${target}${anchor ?? ''}`;
  };
  const parts = text.split(/(^```.*?^```$)/ms);
  return parts.map((part, at) => (at % 2 === 1 ? part : part.replace(/(\]\(|src(?:set)?=")([^)\s"]+)/g, absolute))).join('');
}

/** Packs these files into a folder, and returns what npm says about the tarball. */
export function packCopy(folder, packed) {
  const copy = mkdtempSync(join(tmpdir(), 'jit-pack-'));
  try {
    for (const path of packed) {
      const [from, to] = [join(root, path), join(copy, path)];
      mkdirSync(dirname(to), { recursive: true });
      if (path === 'package.json') writeFileSync(to, publishedManifest());
      else if (path.endsWith('.md')) writeFileSync(to, absoluteLinks(path, readFileSync(from, 'utf8'), packed));
      else copyFileSync(from, to);
    }
    mkdirSync(folder, { recursive: true });
    return npmPack(copy, '--pack-destination', resolve(folder));
  } finally {
    rmSync(copy, { recursive: true });
  }
}

if (basename(process.argv[1]) === 'pack.js') {
  const [folder, format] = process.argv.slice(2);
  if (folder === undefined)
    fail('npm would pack the scripts and tools of this repository, which no user needs. Run "npm run tarball": it packs a copy.');
  const report = packCopy(folder, filesOfPackage());
  console.log(format === '--json' ? JSON.stringify(report) : join(folder, report.filename));
}
