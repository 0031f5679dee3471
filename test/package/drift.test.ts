import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix } from 'node:path';
import ts from 'typescript';
import { describe, expect, inject, it } from 'vitest';
import { buildConsole } from '../../.tsup/console.js';
import { sourcesOf } from '../figures/contents.js';
import { entries, manifest, root } from './entries.js';

const dist = join(root, 'dist');
const built = readdirSync(dist, { recursive: true }) as string[];
const read = (path: string) => readFileSync(path, 'utf8');
const importsOf = (file: string) => ts.preProcessFile(read(join(dist, file)), true, true).importedFiles.map((found) => found.fileName);
const isNode = (specifier: string) => specifier.startsWith('node:') || builtinModules.includes(specifier);
const packageOf = (specifier: string) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;

/** Everything that loading a file of the build loads: other files of it, and external modules. */
function loads(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  return importsOf(file).flatMap((specifier) =>
    specifier.startsWith('.') ? loads(posix.join(posix.dirname(file), specifier), seen) : [specifier],
  );
}

describe('the exports of package.json', () => {
  it('has no wildcard', () => {
    expect(JSON.stringify(manifest.exports)).not.toContain('*');
  });

  it('exports package.json', () => {
    expect(manifest.exports['./package.json']).toBe('./package.json');
  });

  it.each(entries)('names only files that are packed: $subpath', ({ conditions }) => {
    const targets = [conditions.import, conditions.require].flatMap(({ types, default: code }) => [types, code]);
    expect(inject('packed')).toEqual(expect.arrayContaining(targets.map((target) => target.slice(2))));
  });

  it('has an entry for each file of the build that is neither a chunk nor the page', () => {
    const doors = built.filter((file) => file.endsWith('.cjs') && !/-[A-Z0-9]{8}\.cjs$|^console-page\.cjs$/.test(file));
    expect(doors.sort()).toEqual(entries.map(({ name }) => `${name}.cjs`).sort());
  });

  it.each(entries)('is listed in the docs of the entry points: $specifier', ({ specifier }) => {
    expect(read(join(root, 'docs/reference/entry-points.md'))).toMatch(new RegExp(`^\\| *\\[?\`${specifier}\``, 'm'));
  });
});

describe('the API reports', () => {
  const report = (name: string) => read(join(root, 'docs/api', `${name.replaceAll('/', '-')}.api.md`));

  /** Types that only compute others: what users name is `Duration`, `GrantEnd`, `RequestEnd` and `AskableApprover`. */
  const COMPUTING = ['Askable', 'DurationParts', 'EndIn', 'WithGranted'];

  // The other entries name types of the core, which their users import from there.
  it('show that each type that the declarations of the core name is exported by the core, or by the entry of its subject', () => {
    const named = [...report('index').matchAll(/ae-forgotten-export\) The symbol "(\w+)"/g)].map(([, name]) => name);
    const elsewhere = ['store', 'explain', 'journal'].flatMap((entry) =>
      [...report(entry).matchAll(/^export (?:interface|type|const) (\w+)/gm)].map(([, name]) => name),
    );
    expect(named.filter((name) => !elsewhere.includes(name)).sort()).toEqual(COMPUTING);
  });

  it.each(entries)('show no any in the public types: $specifier', ({ name }) => {
    expect(report(name).match(/^(?!\s*\/\/).*\bany\b.*/gm)).toBeNull();
  });
});

describe('the dependencies of package.json', () => {
  const declared = Object.keys(manifest.peerDependencies ?? {});
  // Code and declarations alike: what only a user's types need is a peer too.
  const imported = new Set(
    built
      .filter((file) => /\.(js|cjs|ts|cts)$/.test(file))
      .flatMap(importsOf)
      .filter((specifier) => !specifier.startsWith('.') && !isNode(specifier))
      .map(packageOf),
  );

  it('lists all that the build imports', () => {
    expect([...imported].filter((name) => !declared.includes(name))).toEqual([]);
  });

  it('[A35] are none: what the build imports is a peer', () => {
    expect(manifest.dependencies).toBeUndefined();
  });

  it('lists nothing that the build does not import, except what a user passes in, with its versions', () => {
    // Adapters do not import the SDKs of agents, and a signer gets jose. With a peer range, npm warns of a version that is too old.
    const sdks = ['@modelcontextprotocol/sdk', '@modelcontextprotocol/server', '@openai/agents', 'ai', 'jose'];
    expect(declared.filter((name) => !imported.has(name)).sort()).toEqual(sdks);
  });

  it('loads no framework except Nest, whose adapter extends its classes, and React, whose hooks are functions', () => {
    const frameworks = ['express', 'fastify', 'hono', '@nestjs/common', 'react'];
    const loaded = entries.map(
      ({ name }) => [name, loads(`${name}.js`).filter((specifier) => frameworks.includes(packageOf(specifier)))] as const,
    );
    expect(Object.fromEntries(loaded.filter(([, specifiers]) => specifiers.length > 0))).toEqual({
      nest: expect.arrayContaining(['@nestjs/common']) as string[],
      react: ['react'],
    });
  });

  it('makes every peer optional', () => {
    expect(Object.keys(manifest.peerDependencies ?? {}).sort()).toEqual(Object.keys(manifest.peerDependenciesMeta ?? {}).sort());
    for (const { optional } of Object.values(manifest.peerDependenciesMeta ?? {})) expect(optional).toBe(true);
  });

  it('L35 leaves the core entry without an external import', () => {
    expect(loads('index.js')).toEqual([]);
    expect(loads('index.cjs')).toEqual([]);
  });

  it('allows imports of node: only in entries for Node', () => {
    expect(entries.map(({ name }) => name).filter((name) => loads(`${name}.js`).some(isNode))).toEqual(['jsonl']);
  });
});

describe('THIRD_PARTY_NOTICES', () => {
  it('contains the licence of each package whose code is bundled', async () => {
    const bundled = built
      .filter((file) => /\.c?js$/.test(file))
      .flatMap((file) => sourcesOf(join(dist, file)))
      .flatMap((source) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1] ?? []);
    bundled.push(...((await buildConsole())?.packages ?? []));
    const inOneLine = (text: string) => text.replace(/\s+/g, ' ').trim();
    const notices = inOneLine(read(join(root, 'THIRD_PARTY_NOTICES')));
    expect([...new Set(bundled)].sort()).toEqual([
      '@noble/hashes',
      '@preact/signals',
      '@preact/signals-core',
      'canonicalize',
      'preact',
      'zod',
    ]);
    for (const name of new Set(bundled)) {
      expect(notices).toContain(` ${name} (`);
      expect(notices).toContain(inOneLine(read(join(root, 'node_modules', name, 'LICENSE'))));
    }
  });
});
