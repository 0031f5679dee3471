import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { root } from './docs/pages.js';

type Fields = Readonly<Record<string, unknown>>;

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Fields;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly unknown[]>> };
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly on: Fields;
  readonly permissions?: unknown;
  readonly concurrency?: { readonly group?: string };
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Dependabot {
  readonly updates: readonly {
    readonly 'package-ecosystem': string;
    readonly directory?: string;
    readonly directories?: readonly string[];
    readonly cooldown?: { readonly 'default-days'?: number };
  }[];
}

const read = (path: string): string => readFileSync(root + path, 'utf8');
const folder = '.github/workflows/';
const workflows = readdirSync(root + folder);

function parse<T>(source: string): T {
  const document = parseDocument(source, { uniqueKeys: true });
  expect([...document.errors, ...document.warnings]).toEqual([]);
  return document.toJS() as T;
}

/** The rights of a job beyond `contents: read`. A further right must be added here first. */
const RIGHTS: Readonly<Record<string, readonly string[]>> = {
  'codeql.yml analyze': ['security-events: write'],
  'release.yml draft': ['contents: write'],
  'release.yml pack': ['actions: read'],
  'release.yml stage': ['id-token: write'],
  'release.yml version': ['contents: write', 'pull-requests: write'],
  'scorecard.yml analyze': ['security-events: write', 'id-token: write'],
};

/** A release by its commit, which cannot be moved as a tag can, and its version for the reader. */
const PINNED = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;

/** The mistakes of a workflow that would give a stranger's code, or a moved tag, more than it needs. */
function mistakesOf(file: string, source: string): string[] {
  const { on, permissions, concurrency, jobs } = parse<Workflow>(source);
  const mistakes = [...source.matchAll(/^[ -]*uses: *(.*)$/gm)].flatMap(([, uses = '']) =>
    PINNED.test(uses) ? [] : [`not pinned: ${uses}`],
  );
  mistakes.push(...[...source.matchAll(/\bsecrets\.\w+/g)].map(([secret]) => `secret: ${secret}`));
  if (JSON.stringify(permissions) !== '{}') mistakes.push('permissions at the top are not {}');
  if (concurrency?.group === undefined) mistakes.push('no concurrency');
  // Both run with the rights of the repository on the code of a pull request.
  for (const event of ['pull_request_target', 'workflow_run']) if (event in on) mistakes.push(`on: ${event}`);
  for (const [name, job] of Object.entries(jobs)) {
    const rights = Object.entries(job.permissions ?? { none: 'named' }).map((right) => right.join(': '));
    const allowed = ['contents: read', ...(RIGHTS[`${file} ${name}`] ?? [])];
    mistakes.push(...rights.filter((right) => !allowed.includes(right)).map((right) => `${name}: permission ${right}`));
    if (job['timeout-minutes'] === undefined) mistakes.push(`${name}: no timeout`);
    for (const { uses, run, with: options } of job.steps) {
      if (uses?.startsWith('actions/checkout@') && options?.['persist-credentials'] !== false) mistakes.push(`${name}: keeps credentials`);
      // What one run has left in a cache would become a part of the release.
      const reuses = file === 'release.yml' && uses?.startsWith('actions/setup-node@') && options?.['package-manager-cache'] !== false;
      if (reuses || uses?.startsWith('actions/cache') || options?.['cache'] !== undefined) mistakes.push(`${name}: caches`);
      // A package that this repository only uses could change what is released.
      if (file === 'release.yml' && /\bnpm (?:ci|i|install|rebuild)\b/.test(run ?? '') && !run?.includes('--ignore-scripts'))
        mistakes.push(`${name}: install scripts`);
      // A shell would run a title or a branch name that is put into its program.
      if (run?.includes('${{')) mistakes.push(`${name}: expression in run`);
    }
  }
  return mistakes;
}

/** The mistakes of a workflow in which a part is replaced. */
function broken(file: string, right: string | RegExp, wrong: string): string[] {
  const source = read(folder + file);
  expect(source.replace(right, wrong)).not.toBe(source);
  return mistakesOf(file, source.replace(right, wrong));
}

/** The oldest age in days of a proposed version, for each ecosystem and folder. */
function cooldownsOf(source: string): Readonly<Record<string, number>> {
  const { updates } = parse<Dependabot>(source);
  return Object.fromEntries(
    updates.flatMap((update) =>
      [update.directory ?? update.directories ?? []]
        .flat()
        .map((place) => [`${update['package-ecosystem']} ${place}`, update.cooldown?.['default-days'] ?? 0] as const),
    ),
  );
}

describe('the workflows', () => {
  it('are these', () => {
    expect(workflows.sort()).toEqual(['ci.yml', 'codeql.yml', 'release.yml', 'scorecard.yml']);
  });

  it.each(workflows)('pin every action and have only the rights that they need: %s', (file) => {
    expect(mistakesOf(file, read(folder + file))).toEqual([]);
  });

  it.each([
    ['permissions: {}', 'permissions: read-all', 'permissions at the top are not {}'],
    ['permissions: {}\n', '', 'permissions at the top are not {}'],
    ['group:', 'cancel:', 'no concurrency'],
    ['  pull_request:', '  pull_request_target:', 'on: pull_request_target'],
    ['contents: read', 'contents: write', 'gate: permission contents: write'],
    ['    permissions:\n      contents: read\n', '', 'gate: permission none: named'],
    ['    timeout-minutes: 60\n', '', 'gate: no timeout'],
    [/@[0-9a-f]{40} # v[\d.]+/, '@v7.0.1', 'not pinned: actions/checkout@v7.0.1'],
    [/@([0-9a-f]{40}) # v[\d.]+/, '@$1', /^not pinned: actions\/checkout@[0-9a-f]{40}$/],
    ['persist-credentials: false', 'persist-credentials: true', 'gate: keeps credentials'],
    ['          persist-credentials: false\n', '', 'gate: keeps credentials'],
    ['- run: .ci/run', '- run: echo ${{ github.head_ref }}', 'gate: expression in run'],
  ])('would be found with %j replaced by %j', (right, wrong, mistake) => {
    expect(broken('ci.yml', right, wrong)).toEqual([expect.stringMatching(mistake)]);
  });

  it.each([
    [/(changesets\/action)@[0-9a-f]{40} # v[\d.]+/, '$1@v1', 'not pinned: changesets/action@v1'],
    ['actions: read', 'actions: write', 'pack: permission actions: write'],
    ['contents: read\n      # Proves', 'contents: write\n      # Proves', 'stage: permission contents: write'],
    ['contents: write\n    steps', 'contents: write\n      id-token: write\n    steps', 'draft: permission id-token: write'],
    ['package-manager-cache: false', 'package-manager-cache: true', 'version: caches'],
    ['          package-manager-cache: false\n', '', 'version: caches'],
    ['package-manager-cache: false', 'package-manager-cache: false\n          cache: npm', 'version: caches'],
    [/actions\/upload-artifact@/, 'actions/cache@', 'pack: caches'],
    ['npm ci --ignore-scripts\n      - run: node', 'npm ci\n      - run: node', 'pack: install scripts'],
    ['npm ci --ignore-scripts\n      - uses: changesets', 'npm ci\n      - uses: changesets', 'version: install scripts'],
    ['npm ci --prefix .ci/npm --ignore-scripts', 'npm ci --prefix .ci/npm', 'stage: install scripts'],
    ['github.token', 'secrets.NPM_TOKEN', 'secret: secrets.NPM_TOKEN'],
    ['"$GITHUB_REF_NAME"\n', '${{ github.ref_name }}\n', 'pack: expression in run'],
  ])('would be found in the release with %j replaced by %j', (right, wrong, mistake) => {
    expect(broken('release.yml', right, wrong)).toEqual([mistake]);
  });

  it('publish by staging only, in a job that runs no tool of the repository', () => {
    const { jobs } = parse<Workflow>(read(`${folder}release.yml`));
    const publishes = Object.entries(jobs).filter(([, { steps }]) => steps.some(({ run }) => run?.includes('publish')));
    expect(publishes.map(([name, { steps }]) => [name, steps.flatMap(({ run }) => run ?? [])])).toEqual([
      ['stage', ['npm ci --prefix .ci/npm --ignore-scripts', 'node .ci/release.js publish .ci/npm/node_modules/.bin/npm stage publish']],
    ]);
  });

  it('release only a commit of main for which CI has passed', () => {
    const { jobs } = parse<Workflow>(read(`${folder}release.yml`));
    const runs = jobs['pack']?.steps.flatMap(({ run }) => run ?? []);
    expect(runs?.slice(0, 2)).toEqual([
      `gh run list --workflow ci.yml --commit "$GITHUB_SHA" --status success --json url --jq '.[].url' | grep .`,
      `gh api "repos/{owner}/{repo}/compare/main...$GITHUB_SHA" --jq .status | grep -xE 'identical|behind'`,
    ]);
  });

  it('name one commit for each version of an action', () => {
    const uses = workflows.flatMap((file) => [...read(folder + file).matchAll(/uses: ([\w.-]+\/[\w.-]+)\S*@(\w+) # (\S+)/g)]);
    const commits = new Map(uses.map(([, action = '', commit = '', version = '']) => [action, `${commit} ${version}`]));
    for (const [, action = '', commit, version] of uses) expect(`${commit} ${version}`).toBe(commits.get(action));
  });

  it('run the gate, and the tests on the oldest Node and on each line of .ci/runtimes', () => {
    const { jobs } = parse<Workflow>(read(`${folder}ci.yml`));
    const manifest = JSON.parse(read('package.json')) as { readonly engines: { readonly node: string } };
    const runtimes = JSON.parse(read('.ci/runtimes/package.json')) as { readonly dependencies: Fields };
    const lines = Object.keys(runtimes.dependencies).flatMap((name) => /^node-(\d+)$/.exec(name)?.[1] ?? []);
    expect(jobs['gate']?.steps.map(({ run }) => run)).toContain('.ci/run');
    expect(jobs['node']?.strategy?.matrix['node']).toEqual([`${manifest.engines.node.replace('>=', '')}.0`, ...lines.map(Number)]);
  });
});

describe('the updates of dependencies', () => {
  const source = read('.github/dependabot.yml');
  const lockfiles = execFileSync('git', ['ls-files', '*package-lock.json'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
  const folders = lockfiles.map((lockfile) => `npm /${lockfile.replace(/\/?package-lock\.json$/, '')}`);

  it('wait a week, for the actions and for each lockfile', () => {
    expect(cooldownsOf(source)).toEqual(Object.fromEntries(['github-actions /', ...folders].map((place) => [place, 7])));
  });

  it('would be found without their wait', () => {
    expect(cooldownsOf(source.replace(/^ +cooldown:.*\n/m, ''))['github-actions /']).toBe(0);
  });
});
