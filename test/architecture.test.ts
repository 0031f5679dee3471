import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildConsole } from '../.tsup/console.js';
import { ENTRIES } from '../.tsup/entries.js';
import { imports, modules, modulesOnCycles, type Import } from './figures/modules.js';

/** What every module may import: types, records, errors, argument checks, time, scopes and base64. */
const ground = ['model', 'core', 'records'];
/** Rooms that import only the ground, not each other; of the journal only linking, hashing and digests. */
const apart = [...ground, 'journal/link'];

/**
 * The rooms under src (a file, or a file and the folder of its name) and the rooms that each may import, and always itself.
 * Arrows point down only. The first column is complete: a file outside every room fails.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(Object.entries(ENTRIES).map(([door, { from }]) => [door, from])),

  model: [],
  core: ['model'],
  records: ['model', 'core'],

  journal: ground,
  lifecycle: apart,
  approvers: apart,
  sinks: apart,
  'stores/judge': apart,
  'stores/batch': [...apart, 'stores/judge'],
  'stores/watchers': apart,
  'stores/memory': [...apart, 'stores/judge', 'stores/watchers'],
  'stores/time-limit': apart,
  'stores/kit': [...apart, 'stores/judge', 'stores/batch', 'stores/time-limit'],
  'stores/sql': [...apart, 'stores/batch', 'stores/time-limit'],
  'stores/redis': [...apart, 'stores/time-limit', 'stores/watchers'],

  kernel: [...ground, 'journal', 'lifecycle'],
  followers: [...ground, 'journal', 'lifecycle', 'kernel'],
  engine: [...ground, 'journal', 'lifecycle', 'kernel', 'followers'],
  features: [...ground, 'journal', 'lifecycle', 'kernel', 'followers', 'engine'],
  // It composes other features, answers like the guards, and shows what the badge shows.
  'features/http': [...ground, 'journal', 'lifecycle', 'kernel', 'followers', 'engine', 'features', 'guards/refusal', 'elements/view'],
  // Of everything but the errors and the clock it imports only types: see the test of its imports.
  'features/client': [...ground, 'journal', 'engine', 'features', 'features/http'],
  // The page of the console. It uses the package as an application does, by its entries: see the test of what it loads.
  'console/app': ['index', 'client', 'explain', 'journal', 'internal/page'],
  // The command line, a program. It uses the package by its entries too. The build loads those of `dev` only for this command.
  cli: ['index', 'client', 'internal/cli', 'cli/dev'],
  'cli/dev': ['index', 'console', 'http', 'journal', 'policy', 'sql'],
  // The few names that only these two need, and no entry exports: no part of a feature.
  internal: ground,
  'features/react': [...ground, 'engine', 'features/client', 'elements'],

  // They receive an engine as an argument, and import only its type.
  guards: [...ground, 'engine'],
  // It runs each call of a tool as work of the engine that it receives.
  'guards/ai': [...apart, 'kernel/kernel-of', 'engine', 'features/work'],

  'sinks/jsonl': [...apart, 'journal', 'sinks'],
  'approvers/policy': [...ground, 'approvers'],
  testing: [...ground, 'journal', 'stores/memory', 'engine', 'guards', 'features/work'],
  elements: ['core/ports', 'core/clock', 'core/timers'],
};

/** Rooms that may use Node, and so must not be in the core entry. */
const forNode = ['sinks/jsonl', 'jsonl', 'cli', 'cli/dev'];

/** What a door may import and the folder of its name may not. */
const ofDoors: Readonly<Record<string, readonly string[]>> = { journal: ['engine/journal-head'] };

const isInside = (room: string, module: string) => module === room || module.startsWith(`${room}/`);
const isOwn = (module: string) => modules.includes(module);
/** The programs that use the package as an application does. */
const [PAGE, COMMAND_LINE] = ['console/app', 'cli'];
const isPage = (module: string) => isInside(PAGE, module);
/** An entry, or the names that no entry exports. */
const isDoor = (module: string) => Object.hasOwn(ENTRIES, module) || isInside('internal', module);

/** The innermost room of a module. */
function roomOf(module: string): string | undefined {
  return Object.keys(rooms)
    .filter((room) => isInside(room, module))
    .sort((a, b) => b.length - a.length)[0];
}

/** Whether an import stays in its room, or enters a room, or a part of a room, that its room may import. */
function isAllowed({ from, to }: Import): boolean {
  const [own, target] = [roomOf(from), roomOf(to)];
  if (own === undefined || target === undefined) return false;
  return (
    own === target ||
    [...(rooms[own] ?? []), ...(ofDoors[from] ?? [])].some((allowed) => roomOf(allowed) === target && isInside(allowed, to))
  );
}

/** Everything that loading a module loads, with itself; external modules by their specifier. */
function closure(start: string): Set<string> {
  const seen = new Set([start]);
  for (const module of seen) for (const { from, to } of imports) if (from === module) seen.add(to);
  return seen;
}

const arrow = ({ from, to }: Import) => `${from} -> ${to}`;

describe('the rooms of src', () => {
  it('contain every file', () => {
    expect(modules.filter((module) => roomOf(module) === undefined)).toEqual([]);
  });

  it('are imported only along the arrows', () => {
    expect(imports.filter((found) => found.own && !isAllowed(found)).map(arrow)).toEqual([]);
  });

  it('are never imported through an entry point, but by the programs that use the package as an application does', () => {
    const ofLibrary = imports.filter(({ from }) => ![PAGE, COMMAND_LINE].some((room) => isInside(room, from)));
    expect(ofLibrary.filter(({ own, to }) => own && isDoor(to)).map(arrow)).toEqual([]);
  });

  it.each([
    ['the page of the console', PAGE, 50],
    ['the command line', COMMAND_LINE, 15],
  ])('are imported by %s through doors: 0 of its imports go around them', (_, room, least) => {
    const leaving = imports.filter(({ from, to, own }) => own && isInside(room, from) && !isInside(room, to));
    expect(leaving.length).toBeGreaterThan(least);
    expect(leaving.filter(({ to }) => !isDoor(to)).map(arrow)).toEqual([]);
  });

  it('have no import cycle, type imports included', () => {
    expect(modulesOnCycles()).toEqual([]);
  });

  it('have no cycle between the folders of engine or of kernel', () => {
    const folderOf = (module: string) => /^(?:engine|kernel)\/[^/]+(?=\/)/.exec(module)?.[0];
    const arrows = imports.flatMap(({ from, to }) => {
      const [own, other] = [folderOf(from), folderOf(to)];
      return own === undefined || other === undefined || own === other ? [] : [{ from: own, to: other }];
    });
    expect(arrows.length).toBeGreaterThan(10);
    expect(modulesOnCycles(arrows)).toEqual([]);
  });

  it('are those of docs/explanation/architecture.md', () => {
    const page = readFileSync(new URL('../docs/explanation/architecture.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| (`[\w/-]+\/`(?:, `[\w/-]+\/`)*) +\|/gm)].flatMap(([, names = '']) => names.split(', '));
    const folders = modules.flatMap(
      (module) => /^(?:(?:engine|kernel)\/)?[^/]+(?=\/)/.exec(Object.hasOwn(ENTRIES, module) ? '' : module) ?? [],
    );
    expect(rows.sort()).toEqual([...new Set(['engine', 'kernel', ...folders])].map((folder) => `\`${folder}/\``).sort());
  });

  it('of which the page of the console loads only the client and the ground', async () => {
    const loaded = (await buildConsole())?.modules.filter((module) => !isPage(module)) ?? [];
    expect(loaded).toContain('features/client/client');
    expect(loaded.filter((module) => !['features/client', ...ground].some((room) => isInside(room, module)))).toEqual([]);
  });

  it('import ports only as types', () => {
    expect(imports.filter(({ to, typesOnly }) => ['core/ports', 'core/store-port'].includes(to) && !typesOnly).map(arrow)).toEqual([]);
  });
});

/** The adapters, and the framework of each: only its types are imported, except by Nest's adapter, which extends its classes, and by React's hooks. */
const frameworks: Readonly<Record<string, string>> = {
  'guards/express': 'express',
  'guards/fastify': 'fastify',
  'guards/hono': 'hono',
  'guards/nest/guard': '@nestjs/common',
  'guards/nest/module': '@nestjs/common',
  'guards/nest/refused': '@nestjs/common',
  'features/react/hooks': 'react',
  'features/react/jsx': 'react',
};

/** What linking an entry needs. */
const LINK = ['@noble/hashes/sha2.js', 'canonicalize'];

describe('the external imports of src', () => {
  const outside = imports.filter(({ own }) => !own);

  it('are those that the build bundles, Node in the rooms for Node, zod in the rooms for policies and for HTTP, Kysely in the SQL room, Preact in the page of the console, and each framework in its adapter', () => {
    const bundled = /^(@noble\/hashes\/|canonicalize$)/;
    const isZod = ({ from, to }: Import) =>
      to === 'zod/mini' &&
      (['approvers/policy', 'features/http'].includes(roomOf(from) ?? '') || isInside('features/authzen/access-request', from));
    const isForNode = ({ from, to }: Import) => to.startsWith('node:') && forNode.includes(roomOf(from) ?? '');
    const isPreact = ({ from, to }: Import) => /^(preact|@preact\/signals)(\/|$)/.test(to) && isPage(from);
    const isKysely = ({ from, to }: Import) => to === 'kysely' && (roomOf(from) === 'stores/sql' || from === 'cli/dev/database');
    const isFramework = ({ from, to, typesOnly }: Import) =>
      frameworks[from] === to && (typesOnly || isInside('guards/nest', from) || from === 'features/react/hooks');
    const allowed = (found: Import) =>
      bundled.test(found.to) || [isForNode, isZod, isKysely, isPreact, isFramework].some((is) => is(found));
    expect(outside.filter((found) => !allowed(found)).map(arrow)).toEqual([]);
  });

  it('leave the HTTP room without Node', () => {
    expect([...closure('http')].filter((to) => !isOwn(to)).sort()).toEqual([...LINK, '@noble/hashes/hmac.js', 'zod/mini'].sort());
  });

  it('leave the policy room without Node', () => {
    expect([...closure('policy')].filter((to) => !isOwn(to)).sort()).toEqual(['zod/mini']);
  });

  it('contain no SDK where agents are guarded, not even for types', () => {
    const seen = new Set(['ai']);
    for (const module of seen) for (const { from, to, typesOnly } of imports) if (from === module && !typesOnly) seen.add(to);
    expect([...seen].filter((to) => !isOwn(to)).sort()).toEqual(LINK);
    expect(
      modules
        .filter((module) => isInside('guards/ai', module))
        .flatMap((module) => imports.filter(({ from, to }) => from === module && !isOwn(to))),
    ).toEqual([]);
    // Nor does it load the engine.
    expect(seen).not.toContain('engine/engine');
  });

  it('of a checker include neither the engine nor a store nor a hash', () => {
    const seen = new Set(['check']);
    for (const module of seen) for (const { from, to, typesOnly } of imports) if (from === module && !typesOnly) seen.add(to);
    expect([...seen].filter((to) => !isOwn(to))).toEqual([]);
    const heavy = [
      'engine/engine',
      'kernel/ledger/ledger',
      'kernel/ledger/ledger-reads',
      'kernel/settings/settings',
      'stores',
      'approvers',
      'features',
      'journal/link',
    ];
    expect([...seen].filter((module) => heavy.some((room) => isInside(room, module)))).toEqual([]);
  });

  it('of a client include errors and time, and nothing from outside', () => {
    const seen = new Set(['client']);
    for (const module of seen) for (const { from, to, typesOnly } of imports) if (from === module && !typesOnly) seen.add(to);
    const own = ['client', 'features/client', 'core', 'model/entry-types', 'model/ends'];
    expect([...seen].filter((module) => !own.some((room) => isInside(room, module)))).toEqual([]);
  });

  it('of the stores of this package leave the kit out: they lock the head', () => {
    const seen = ['sql', 'redis', 'index'].flatMap((entry) => [...closure(entry)]);
    expect(seen.filter((module) => isInside('stores/kit', module))).toEqual([]);
    expect([...closure('store')].filter((module) => isInside('stores/kit', module)).length).toBeGreaterThan(2);
  });

  it('of a store include no driver', () => {
    expect([...closure('sql')].filter((to) => !isOwn(to) && to !== 'kysely').sort()).toEqual(LINK);
    // And the digest that identifies a script in Redis.
    expect([...closure('redis')].filter((to) => !isOwn(to)).sort()).toEqual(
      ['@noble/hashes/legacy.js', '@noble/hashes/utils.js', ...LINK].sort(),
    );
  });

  it.each(['index', 'testing', 'guard', 'fetch', 'work'])('L35 are without Node, zod, hmac and drivers in the closure of %s', (entry) => {
    expect([...closure(entry)].filter((to) => !isOwn(to)).sort()).toEqual(LINK);
  });
});
