import { join } from 'node:path';
import { createContext, Script } from 'node:vm';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { root } from './entries.js';

/** All globals that the core needs in addition to ECMAScript: those that browsers, workers and edge runtimes have too. */
const surroundings = { crypto, TextEncoder, AbortController, setTimeout, clearTimeout };

/** Globals that a core for Node would use. */
const nodeOnly = [
  'process',
  'Buffer',
  'require',
  'module',
  'global',
  'setImmediate',
  'performance',
  'structuredClone',
  'URL',
  'AbortSignal',
];

/** The main job, outside Node: requests, reviews, checks around both bounds of the window, sweeps, follows and verifies the journal. */
const scenario = `
  import { callbackSink, isJitError, JitEngine, MemoryGrantStore, reviewers, startSweeper } from './dist/index.js';
  import { readJournal, verifyJournal } from './dist/journal.js';

  export async function play() {
    const start = 1_767_225_600_000;
    let now = start;
    const store = new MemoryGrantStore();
    const people = reviewers({ members: ['user:sam'] });
    // An approver that takes its time has a time limit, and with it a timer.
    const approver = { ...people, decide: async (request) => people.decide(request) };
    const carried = [];
    const audit = callbackSink('here', (entries) => void carried.push(...entries));
    const engine = new JitEngine({ store, approver, audit, clock: { now: () => now } });
    const allowed = () => engine.isAllowed('user:maya', 'db-prod:write');

    const asked = await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m', justification: 'writes fail' });
    const seen = [asked.outcome, await allowed()];
    const refusal = await engine.approve(asked.request.id, { by: 'user:maya' }).catch((error) => error);
    seen.push(isJitError(refusal) && refusal.code);
    await engine.approve(asked.request.id, { by: 'user:sam' });
    seen.push(await allowed());
    now = start + 15 * 60_000 - 1;
    seen.push(await allowed());
    now += 1;
    seen.push(await allowed());

    // The first pass starts at once, and stopping waits for it.
    await startSweeper(engine, { every: '30s' }).stop();
    await engine.flushAudit();
    const { head, count, ok } = await verifyJournal(readJournal(store));
    seen.push(ok, carried.at(-1).type, carried.length === count && carried.at(-1).hash === head.hash);
    await engine.close();
    return JSON.stringify(seen);
  }
`;

async function bundle(contents: string): Promise<Script> {
  const options = {
    stdin: { contents, resolveDir: root },
    bundle: true,
    format: 'iife',
    globalName: 'bundled',
    platform: 'neutral',
  } as const;
  const { outputFiles } = await build({ ...options, write: false, logLevel: 'silent' });
  return new Script(outputFiles[0]?.text ?? '', { filename: join(root, 'realm.js') });
}

/** Runs a bundle with only the globals of ECMAScript and the given ones, and awaits its `play`. */
async function playIn(globals: object, script: Script): Promise<unknown> {
  const realm = createContext(globals, { codeGeneration: { strings: false, wasm: false } });
  script.runInContext(realm);
  return JSON.parse(await (new Script('bundled.play()').runInContext(realm) as Promise<string>));
}

describe('the built core in a realm without the globals of Node', () => {
  it('L35 makes a request, reviews it, allows inside the window only, records the end and verifies the journal', async () => {
    const seen = await playIn({ ...surroundings }, await bundle(scenario));
    expect(seen).toEqual(['pending', false, 'ERR_JIT_SELF_REVIEW', true, true, false, true, 'grant.expired', true]);
  });

  it('runs without any global of Node', async () => {
    const probe = `const names = ${JSON.stringify(nodeOnly)};
      export const play = async () => JSON.stringify(names.filter((name) => name in globalThis));`;
    expect(await playIn({ ...surroundings }, await bundle(probe))).toEqual([]);
  });

  it('uses every listed global, so that the list is complete and minimal', async () => {
    const used = new Set<string>();
    const watched = Object.keys(surroundings).map((name) => {
      const get = () => {
        used.add(name);
        return surroundings[name as keyof typeof surroundings];
      };
      return [name, { get, configurable: true }] as const;
    });
    await playIn(Object.defineProperties({}, Object.fromEntries(watched)), await bundle(scenario));
    expect([...used].sort()).toEqual(Object.keys(surroundings).sort());
  });
});
