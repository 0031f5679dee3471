/*
 * Makes a release, in steps, so that only the second needs the right to publish:
 *
 *   node .ci/release.js pack v0.1.0            builds, packs and checks the package, and writes the files of the release
 *   node .ci/release.js publish npm publish    runs the command with the tarball of these files
 *   node .ci/release.js keep                   adds the release to test/fixtures/released, for the tests of later versions
 *
 * The files are in .tmp/release: the tarball, a bill of materials, the notes, and SHA256SUMS of all three. With `--built`
 * after the tag, `pack` takes the build that is there. `keep` takes another tarball, if one is named.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, filesOfPackage, packCopy, run } from './pack.js';

process.chdir(join(import.meta.dirname, '..'));
const folder = '.tmp/release';
const LARGEST = 7e6;
const { name, version } = JSON.parse(readFileSync('package.json', 'utf8'));
const tarball = `${name}-${version}.tgz`;
/** What SHA256SUMS lists. */
const files = [tarball, 'sbom.cdx.json', 'NOTES.md'];

const hashOf = (file, algorithm = 'sha256', encoding = 'hex') => createHash(algorithm).update(readFileSync(file)).digest(encoding);

/** The part of the changelog that describes this version. */
const changes = () =>
  readFileSync('CHANGELOG.md', 'utf8')
    .split(/^(?=## )/m)
    .find((part) => part.startsWith(`## ${version}\n`));

/** What a release must not be made from. */
function refuse(tag) {
  run('bash', '.ci/repository');
  if (tag !== `v${version}`) fail(`The tag of version ${version} is v${version}, not ${tag}.`);
  if (run('git', 'status', '--porcelain') !== '') fail('The working tree has changes: commit or remove them.');
  const changesets = readdirSync('.changeset').filter((file) => file.endsWith('.md'));
  if (changesets.length > 0) fail(`Changesets are left: run "npm run version:next". ${changesets.join(', ')}`);
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  if (packages[''].version !== version) fail(`package-lock.json has version ${packages[''].version}, not ${version}.`);
  if (changes() === undefined) fail(`CHANGELOG.md has no "## ${version}".`);
}

/** Packs the files that are in the repository. */
function packTracked() {
  const packed = filesOfPackage();
  // `git status` does not show what is ignored, and npm packs it all the same.
  const tracked = new Set(run('git', 'ls-files', '-z').split('\0'));
  const strange = packed.filter((path) => !path.startsWith('dist/') && !tracked.has(path));
  if (strange.length > 0) fail(`Files that are not in the repository would be packed: ${strange.join(', ')}`);
  const { files: inTarball, unpackedSize } = packCopy(folder, packed);
  if (unpackedSize > LARGEST) fail(`The package has ${unpackedSize} bytes unpacked, more than ${LARGEST}.`);
  const wrong = inTarball.map(({ path }) => path).filter((path) => /\.map$|^docs\/api\//.test(path) || !packed.includes(path));
  if (wrong.length > 0 || inTarball.length !== packed.length) fail(`The tarball has other files: ${wrong.join(', ')}`);
  console.log(`${tarball}: ${inTarball.length} files, ${unpackedSize} bytes unpacked`);
}

/** The bill of materials: the packages whose code is bundled, as THIRD_PARTY_NOTICES lists them. There is no dependency. */
function describe() {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const bundled = [...readFileSync('THIRD_PARTY_NOTICES', 'utf8').matchAll(/^={80}\n(\S+) \(/gm)].map(([, bundledName]) => bundledName);
  const refs = bundled.map((part) => `${part}@${packages[`node_modules/${part}`]?.version}`);
  const bill = JSON.parse(run('npm', 'sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'));
  const components = bill.components.filter((component) => refs.includes(component['bom-ref']));
  if (components.length !== refs.length) fail(`npm sbom does not know each of ${refs.join(', ')}`);
  bill.metadata.component.name = name;
  bill.components = components.map((component) => ({ ...component, properties: [] }));
  bill.dependencies = [{ ref: bill.metadata.component['bom-ref'], dependsOn: refs }, ...refs.map((ref) => ({ ref, dependsOn: [] }))];
  writeFileSync(join(folder, 'sbom.cdx.json'), `${JSON.stringify(bill, undefined, 2)}\n`);

  const hashes = `sha256 ${hashOf(join(folder, tarball))}\nsha512-${hashOf(join(folder, tarball), 'sha512', 'base64')}`;
  writeFileSync(join(folder, 'NOTES.md'), `${changes().replace(/^## .*\n+/, '')}\n\`${tarball}\`:\n\n\`\`\`\n${hashes}\n\`\`\`\n`);
  writeFileSync(join(folder, 'SHA256SUMS'), files.map((file) => `${hashOf(join(folder, file))}  ${file}\n`).join(''));
  console.log(hashes);
}

function pack([tag, built]) {
  refuse(tag);
  if (built !== '--built') run('npm', 'run', 'build');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  packTracked();
  describe();
}

function publish([program, ...args]) {
  if (program === undefined) fail('The command that publishes is missing, for example: publish npm stage publish');
  if (!existsSync(join(folder, tarball))) fail(`${folder}/${tarball} is missing: run "node .ci/release.js pack v${version}" first.`);
  const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8').split('\n');
  for (const file of files)
    if (!sums.includes(`${hashOf(join(folder, file))}  ${file}`)) fail(`${file} differs from its hash in SHA256SUMS.`);
  console.log(run(program, ...args, `./${folder}/${tarball}`));
  console.log(`${tarball} sha256 ${hashOf(join(folder, tarball))}`);
}

/** Tests of upgrades run the release beside later versions: see test/stores/released/keep.ts. */
function keep([file = join(folder, tarball)]) {
  console.log(run('npx', 'tsx', '--tsconfig', 'test/tsconfig.json', 'test/stores/released/keep.ts', file));
}

const [step, ...rest] = process.argv.slice(2);
if (step === 'pack') pack(rest);
else if (step === 'publish') publish(rest);
else if (step === 'keep') keep(rest);
else fail('Usage: node .ci/release.js pack <tag> | publish <command> | keep [tarball]');
