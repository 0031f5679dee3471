import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { JitEngine, MemoryGrantStore, denyAll, isJitError } from 'jit-access';
import { ManualClock } from 'jit-access/testing';
import { sidebarOf, type Item } from '../../.site/pages.mjs';
import { ENTRY_TYPES } from '../../src/records/index.js';
import { anchorsOf, linksOf, pages, root, textOf, wordsOf } from './pages.js';

const source = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(`${root}src/${path}`, 'utf8'))
  .join('\n');
const readme = textOf('README.md');
const LIST = 'docs/README.md';
const GROUPS =
  'Start · Serve · Protect · Ask · Decide · Show · Store · Notify and connect · Agents · Operate · Audit · Test · Reference · Explanation'.split(
    ' · ',
  );

describe('a page', () => {
  it.each([...pages, '.github/CONTRIBUTING.md', '.github/SECURITY.md'])('%s has only links with existing targets', (page) => {
    for (const link of linksOf(page)) {
      expect(link, 'links lead to this repository').not.toMatch(/^\w+:/);
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : posix.join(dirname(page), path);
      expect(existsSync(join(root, target)), `${page} -> ${link}`).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(target), `${page} -> ${link}`).toContain(anchor);
    }
  });

  it.each(pages)('[A19] %s calls curl by options that are older than its --json of 2022', (page) => {
    expect(
      textOf(page)
        .replaceAll(/\\\n\s*/g, '')
        .match(/^curl .*--json.*/gm),
    ).toBeNull();
  });

  it('is in the list of all pages, which README.md names', () => {
    expect(linksOf('README.md')).toContain(LIST);
    const listed = linksOf(LIST).map((link) => posix.join('docs', link));
    expect(listed).toEqual([...new Set(listed)]);
    expect(listed).toEqual(expect.arrayContaining(pages.filter((page) => page !== 'README.md' && page !== LIST)));
  });
});

describe('docs/README.md, the list of all pages', () => {
  const list = textOf(LIST);

  it('has the groups in the order in which a reader needs them', () => {
    expect([...list.matchAll(/^## (.+)$/gm)].map(([, group]) => group)).toEqual(GROUPS);
  });

  it('has one line for each page, with its title, its path and what it is', () => {
    for (const line of list.split('\n').filter((line) => /\]\(/.test(line))) expect(line).toMatch(/^( {2})?- \[[^\]]+\]\([^)]+\): \S/);
  });

  it('is the sidebar of the site: the same groups, with the same pages in the same order', () => {
    const sidebar = sidebarOf(list);
    const linksIn = (items: readonly Item[]): string[] => items.flatMap(({ link, items = [] }) => [link, ...linksIn(items)]);
    expect(sidebar.map(({ text }) => text)).toEqual(GROUPS);
    for (const { text, items } of sidebar) {
      const group = list.split(`## ${text}\n`)[1]?.split('\n## ')[0] ?? '';
      const links = [...group.matchAll(/\]\(([^)]+)\)/g)].map(([, path = '']) =>
        /^(?:\.\.\/examples|api\/)/.test(path) ? path : `/${path}`,
      );
      expect(links.length, text).toBeGreaterThan(0);
      expect(linksIn(items), text).toEqual(
        links.map((path) => path.replace(/\.md$/, '').replace('../examples', '/examples/').replace('api/index.api', '/api/index.html')),
      );
    }
  });
});

describe('test/docs/searches.txt', () => {
  it('has at least 60 searches, each for a page', () => {
    const searches = textOf('test/docs/searches.txt')
      .split('\n')
      .filter((line) => /^[^#]/.test(line));
    expect(searches.length).toBeGreaterThanOrEqual(60);
    for (const search of searches) expect(pages, search).toContain(search.split(' -> ')[1]);
  });
});

describe('README.md', () => {
  it('starts with one sentence, the reasons, the install lines and a first program', () => {
    const opening =
      /^# jit-access\n\n([^\n]+)\n\n## Why\n.*?```sh\nnpm init -y\n.*?```\n.*?<!-- examples\/first-grant\.ts -->\n\n```ts\n/s.exec(readme);
    expect(opening?.[1]?.match(/[.!?]( |$)/g)).toHaveLength(1);
  });

  it('has at most 700 words outside of code', () => {
    expect(wordsOf('README.md', { tables: true })).toBeLessThanOrEqual(700);
  });

  it('states the sizes that `npm run size` has measured', () => {
    const sizes = JSON.parse(readFileSync(`${root}test/figures/sizes.json`, 'utf8')) as Record<string, number>;
    const kilobytes = (name: string) => `${((sizes[name] ?? NaN) / 1_000).toFixed(1)} KB`;
    expect(readme).toMatch(new RegExp(`^\\| \`JitEngine\` with one approver +\\| ${kilobytes('JitEngine with one approver')} +\\|$`, 'm'));
    expect(readme).toMatch(new RegExp(`^\\| \`createChecker\` +\\| ${kilobytes('createChecker')} +\\|$`, 'm'));
  });

  it('leaves the entry points to their page, which lists exactly those of package.json', () => {
    const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { exports: Record<string, unknown> };
    const entries = Object.keys(exports).filter((entry) => entry !== './package.json');
    const named = [...textOf('docs/reference/entry-points.md').matchAll(/^\| \[?`(jit-access[\w/.-]*)`/gm)].map((match) => match[1]);
    expect(named.sort()).toEqual(entries.map((entry) => posix.join('jit-access', entry)).sort());
  });

  it('names only existing commands of package.json', () => {
    const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> };
    expect(readme).toContain('npm ci && npm run demo');
    expect(readme).toContain('npm ci && npm test');
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['demo', 'test']));
  });
});

describe('the content of the pages', () => {
  it('lists exactly the error codes', () => {
    const codes = new Set(source.match(/ERR_JIT_\w+/g));
    const named = [...textOf('docs/reference/errors.md').matchAll(/^\| `(ERR_JIT_\w+)`/gm)].map((match) => match[1]);
    expect(named.sort()).toEqual([...codes].sort());
    for (const page of pages) for (const code of textOf(page).match(/ERR_JIT_\w+/g) ?? []) expect(codes, page).toContain(code);
  });

  it('lists exactly the types of entries', () => {
    const named = [...textOf('docs/reference/entry-types.md').matchAll(/^\| \[`(\w+\.\w+)`\]/gm)].map((match) => match[1]);
    expect(named.sort()).toEqual(Object.keys(ENTRY_TYPES).sort());
  });

  it('states the default of the maximum ttl: 8 hours', async () => {
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: denyAll(), clock: new ManualClock() });
    const ask = (ttl: number) => engine.requestAccess({ subject: 'user:maya', scope: 'db:write', ttl });
    expect((await ask(8 * 3_600_000)).outcome).toBe('denied');
    const refused: unknown = await ask(8 * 3_600_000 + 1).catch((error: unknown) => error);
    expect(isJitError(refused) && refused.code).toBe('ERR_JIT_REQUIREMENTS');
    for (const page of ['docs/explanation/guarantees.md', 'docs/explanation/time.md'])
      expect(textOf(page)).toContain('`limits.maxTtl` (default: 8 hours)');
  });

  it('states the default of the review deadline: 24 hours', async () => {
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: denyAll(), clock: new ManualClock() });
    const { request } = await engine.requestAccess({ subject: 'user:maya', scope: 'db:write', ttl: '15m' });
    expect(request.reviewBy - request.createdAt).toBe(24 * 3_600_000);
    expect(request.askAgainAt - request.createdAt).toBe(30_000);
    expect(textOf('docs/explanation/time.md')).toContain('`limits.reviewWithin` after the request (default: 24 hours)');
    expect(textOf('docs/explanation/time.md')).toContain('(`limits.retryAfter` after the request, default: 30 seconds)');
  });

  it('states the default time limit of an approver: 10 seconds', () => {
    expect(source).toMatch(/approverTimeout = 10_000/);
    expect(textOf('docs/reference/approver.md')).toContain('`limits.approverTimeout` (default: 10 seconds)');
  });

  it.each([
    ['maxTotal', "'24h'", '24 hours'],
    ['maxStartAhead', "'7d'", '7 days'],
    ['maxOpenRequests', '100', '100'],
    ['maxGrants', '200', '200'],
    ['duplicates', "'return'", "`'return'`"],
  ])('states the default of limits.%s: %s', (limit, value, told) => {
    expect(source).toMatch(new RegExp(`[ {]${limit} = ${value}[ ,]`));
    expect(textOf('docs/reference/entries/core.md')).toMatch(new RegExp(`^\\| \`${limit}\` +\\|.*\\| ${told} +\\|`, 'm'));
    expect(textOf('docs/reference/lifecycle.md')).toMatch(
      new RegExp(`\`limits\\.${limit}\` \\(default: ${told}\\)|^\\| \`limits\\.${limit}\` +\\| ${told} `, 'm'),
    );
  });

  it('states the default number of pending break-glass reviews: 1', () => {
    expect(source).toContain('maxUnreviewed = 1,');
    for (const page of ['docs/reference/policy.md', 'docs/reference/approver.md'])
      expect(textOf(page)).toContain('`maxUnreviewed` (default: 1)');
  });

  it('says in one place only what is not built yet', () => {
    const saying = pages.filter((page) => /not in this release|come later/i.test(textOf(page)));
    expect(saying.filter((page) => page !== 'docs/explanation/laws.md')).toEqual(['README.md']);
  });

  it('names no verb that the engine lacks', () => {
    const methods = new Set([...Object.getOwnPropertyNames(JitEngine.prototype), 'clock']);
    for (const page of pages) {
      for (const [, method] of textOf(page).matchAll(/(?<![\w/-])engine\.(\w+)/g)) expect(methods, page).toContain(method);
    }
  });
});
