import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import { entries, root } from './entries.js';

/** The oldest TypeScript that is promised, the last before 6, and the one that the package is built with. */
const compilers = { '5.6': 'typescript-5.6', '5.9': 'typescript-5.9', '6.0': 'typescript' };

/**
 * What a consumer's `lib` and `types` may be: `AbortSignal` has to come from somewhere, from Node's types or from the
 * browser's. Nothing newer than ES2022 is needed; what the declarations use of later libraries they bring along.
 */
const settings = {
  'nodenext, types of Node': { module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2022'], types: ['node'] },
  'bundler, lib of browsers': { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom'], types: [] },
};

const require = createRequire(import.meta.url);
const run = promisify(execFile);

/** Type-checks files as a project of its own beside the installed package, and gives what the compiler prints. */
async function check(name: string, compiler: string, options: object, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(inject('installed'), name.replace(/[^\w.]+/g, '-'));
  mkdirSync(folder);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  const compilerOptions = {
    target: 'es2022',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    typeRoots: [join(root, 'node_modules/@types')],
    ...options,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
  const tsc = require.resolve(`${compiler}/lib/tsc.js`);
  const { stdout } = await run(process.execPath, [tsc, '--pretty', 'false'], { cwd: folder }).catch((error: { stdout: string }) => error);
  return stdout;
}

/** Entries whose declarations name those of a framework, which are much to read, and not ours to answer for. */
const adapters = ['express', 'fastify', 'hono', 'nest'];

const imports = (chosen: typeof entries) =>
  chosen.map(({ specifier, name }) => `import * as ${name}_ from '${specifier}';\nvoid ${name}_;\n`).join('');
/** Entries for those who have `Request` and `Response`, or elements, and so their types. */
const needFetch = [...adapters, 'elements', 'fetch', 'guard', 'testing'];
// What is for browsers needs their types.
const everyEntry = imports(entries.filter(({ name }) => name !== 'elements' && !adapters.includes(name)));

/** A service of each framework, with what its handlers are given. */
const services = `${imports(entries.filter(({ name }) => adapters.includes(name)))}
import type { Express } from 'express';
import type { FastifyInstance } from 'fastify';
import { Hono } from 'hono';
import type { JitEngine } from 'jit-access';

export async function serve(engine: JitEngine<'db-prod:write'>, app: Express, fastify: FastifyInstance): Promise<Hono> {
  app.get('/:id', express_.requireGrant(engine, { subject: (req) => req.get('x'), scope: 'db-prod:write' }), (req, res) => {
    res.json([req.params.id, express_.accessOf(res).decision.validUntil]);
  });
  await fastify.register(fastify_.jitAccess, { engine, subject: (request) => request.ip });
  fastify.get('/', { preHandler: fastify.requireGrant('db-prod:write') }, async (request) => request.access.decision.validUntil);
  const hono = new Hono();
  hono.get('/', hono_.requireGrant(engine, { subject: (c) => c.req.header('x'), scope: 'db-prod:write' }), (c) => c.json(c.var.access.decision.at));
  nest_.JitAccessModule.forRoot({ engine, subject: (context) => context.getClass().name });
  return hono;
}
`;

const consumer = `${everyEntry}
import { JitEngine, isJitError, reviewers, type AccessRequest, type Clock, type GrantStore } from 'jit-access';
import { ManualClock } from 'jit-access/testing';

const clock: Clock = new ManualClock();
const engine = new JitEngine({ approver: reviewers({ members: ['user:sam'] }), clock });
export const store: GrantStore = new index_.MemoryGrantStore();
export const ended = (request: AccessRequest): number | undefined => request.end?.at;

export async function main(): Promise<boolean> {
  try {
    const asked = await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m', justification: 'writes fail' });
    if (asked.outcome === 'pending') await engine.approve(asked.request.id, { by: 'user:sam' });
    return await engine.isAllowed('user:maya', 'db-prod:write');
  } catch (error) {
    if (isJitError(error) && error.code === 'ERR_JIT_DECIDED') return error.request.end !== undefined;
    throw error;
  }
}
`;

describe.concurrent.each(Object.entries(compilers))('a consumer on TypeScript %s', (version, compiler) => {
  it.each(Object.entries(settings))('type-checks every entry without skipLibCheck: %s', async (setting, options) => {
    const forBrowsers = "import { defineJitBadge, JitBadge } from 'jit-access/elements';\ndefineJitBadge();\nvoid JitBadge;\n";
    const browser = options.lib.includes('dom') ? { 'browser.ts': forBrowsers } : {};
    const files = {
      'consumer.ts': consumer,
      ...browser,
      ...(options.module === 'nodenext' ? { 'esm.mts': consumer, 'cjs.cts': consumer } : {}),
    };
    expect(await check(`${version} ${setting}`, compiler, options, files)).toBe('');
  });

  it('type-checks the adapters, with the declarations of their frameworks', async () => {
    const options = { ...settings['nodenext, types of Node'], lib: ['es2022', 'dom'] };
    const printed = await check(`${version} frameworks`, compiler, options, { 'services.mts': services });
    const isOurs = (line: string) => /^services\.mts|node_modules\/jit-access\//.test(line);
    expect(printed.split('\n').filter(isOurs)).toEqual([]);
  });

  it('is told of a misspelt scope', async () => {
    const text = `import { JitEngine, denyAll } from 'jit-access';
const engine = new JitEngine<'db-prod:read' | 'db-prod:write'>({ approver: denyAll() });
void engine.isAllowed('user:maya', 'db-prod:write');
void engine.isAllowed('user:maya', 'db-prod:wirte');
void engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m' });
void engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:wirte', ttl: '15m' });
`;
    const printed = await check(`${version} misspelt`, compiler, settings['nodenext, types of Node'], { 'misspelt.mts': text });
    expect(printed.match(/^misspelt\.mts\(\d+/gm)).toEqual(['misspelt.mts(4', 'misspelt.mts(6']);
  });
});

describe('a consumer without the types of Node or of browsers', () => {
  // Shows too that the declarations themselves are checked above.
  it('is told that AbortSignal is missing, and nothing else', async () => {
    const options = { ...settings['nodenext, types of Node'], types: [] };
    const printed = await check('bare', compilers['5.6'], options, {
      'bare.mts': imports(entries.filter(({ name }) => !needFetch.includes(name))),
    });
    expect([...new Set([...printed.matchAll(/error TS\d+: (.*)/g)].map((found) => found[1]))]).toEqual(["Cannot find name 'AbortSignal'."]);
  });
});
