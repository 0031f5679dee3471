import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeRuntime } from './runtimes.js';
import { bundle, programFolder, serveWorker, type RuntimeServer } from './serve.js';

/** The quick start, with an engine that is created at module scope. */
const story = `
  import { JitEngine, MemoryGrantStore, reviewers, startSweeper } from 'jit-access';
  import { verifyJournal, readJournal } from 'jit-access/journal';
  import { provision } from 'jit-access/provisioning';

  let now = Date.UTC(2026, 0, 1);
  const store = new MemoryGrantStore();
  const seen = [];
  const engine = new JitEngine({
    approver: reviewers({ members: ['user:sam'] }),
    store,
    clock: { now: () => now },
    audit: { name: 'here', write: (entries) => void seen.push(...entries.map(({ type }) => type)) },
  });
  provision(engine, { name: 'roles', scopes: ['db-prod:write'], apply: ({ held }) => void seen.push(held ? 'opened' : 'closed') });
  let sweeper;
  try {
    sweeper = startSweeper(engine, { every: '30s' });
    await sweeper.stop();
  } catch (error) {
    sweeper = error;
  }

  export async function play() {
    const { request } = await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m', justification: 'hotfix' });
    await engine.approve(request.id, { by: 'user:sam' });
    const during = await engine.isAllowed('user:maya', 'db-prod:write');
    await engine.idle();
    now += 15 * 60_000;
    const after = await engine.isAllowed('user:maya', 'db-prod:write');
    const { ended } = await engine.sweep();
    await engine.idle();
    const { ok } = await verifyJournal(readJournal(store));
    const last = seen.filter((one) => one === 'opened' || one === 'closed' || one === 'grant.expired');
    return JSON.stringify({ during, after, ended, ok, last, sweeper: sweeper.code ?? 'started' });
  }
`;

const OUTCOME = { during: true, after: false, ended: 1, ok: true, last: ['opened', 'grant.expired', 'closed'] };

const folder = programFolder();
const bundled = (name: string, entry: string): Promise<string> => bundle(folder, name, `${story}\n${entry}`);

for (const [runtime, args] of [
  ['node-22', []],
  ['node-24', []],
  ['bun', []],
  ['deno', ['run', '--no-prompt']],
] as const) {
  describeRuntime(runtime, `the package in ${runtime}`, (program) => {
    it('plays the quick start, with an engine that is created at module scope (L46)', async () => {
      const file = await bundled(`${runtime}.mjs`, 'console.log(await play());');
      const { status, stdout, stderr } = spawnSync(program, [...args, file], { encoding: 'utf8', timeout: 60_000 });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(JSON.parse(stdout)).toEqual({ ...OUTCOME, sweeper: 'started' });
    });
  });
}

const WORKER = `
  export default {
    async fetch() {
      try {
        return new Response(await play());
      } catch (error) {
        return new Response(String(error?.stack ?? error), { status: 500 });
      }
    },
  };
`;

describeRuntime('workerd', 'the package in workerd', (program) => {
  let server: RuntimeServer;

  beforeAll(async () => {
    await bundled('workerd.js', WORKER);
    server = await serveWorker(program, folder, 'workerd.js');
  });

  afterAll(() => server.close());

  it('plays the quick start, with an engine that is created at module scope, where startSweeper refuses (L46)', async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/`);
    const text = await response.text();
    expect({ status: response.status, text }).toMatchObject({ status: 200 });
    expect(JSON.parse(text)).toEqual({ ...OUTCOME, sweeper: 'ERR_JIT_CLOCK' });
  });
});
