import { afterAll, beforeAll, describe, it } from 'vitest';
import { httpContract, type HttpServer } from '../features/http/contract.js';
import { describeRuntime, type RuntimeName } from './runtimes.js';
import { bundle, programFolder, serveProgram, serveWorker, type RuntimeServer } from './serve.js';

/** The packed handler with the policy and the callers of the suite. The header `x-world` names the engine: each case has its own. */
const service = `
  import { JitEngine, MemoryGrantStore } from 'jit-access';
  import { createHttpHandler } from 'jit-access/http';
  import { definePolicy } from 'jit-access/policy';

  const approver = definePolicy({
    groups: { engineers: ['user:maya'], leads: ['user:sam'] },
    rules: [{
      id: 'database', scopes: ['db-prod:*'], subjects: [{ group: 'engineers' }], maxTtl: '1h',
      require: { justification: true }, review: { groups: { leads: 1 } },
    }],
  });
  const worlds = new Map();
  const engineOf = (request) => {
    const world = request.headers.get('x-world');
    if (!worlds.has(world)) worlds.set(world, new JitEngine({ store: new MemoryGrantStore(), approver }));
    return worlds.get(world);
  };
  const handler = createHttpHandler(engineOf, {
    identify: (request) => {
      const subject = request.headers.get('x-user');
      return subject === null ? undefined : { subject };
    },
    basePath: '/access',
  });
`;

/** How each runtime serves a function from `Request` to `Response` on a free port, and says which port it is. */
const SERVE: Readonly<Partial<Record<RuntimeName, { readonly args: readonly string[]; readonly entry: string }>>> = {
  bun: {
    args: [],
    entry:
      "const server = Bun.serve({ port: 0, hostname: '127.0.0.1', idleTimeout: 60, fetch: handler }); console.log('port=' + server.port);",
  },
  deno: {
    args: ['run', '--no-prompt', '--allow-net'],
    entry:
      "Deno.serve({ port: 0, hostname: '127.0.0.1', onListen: ({ port }) => console.log('port=' + port) }, (request) => handler(request));",
  },
};

const folder = programFolder();
const bundled = (name: string, entry: string): Promise<string> => bundle(folder, name, `${service}\n${entry}`);

function serveIn(runtime: RuntimeName, start: (program: string) => Promise<RuntimeServer>, without: readonly string[] = []) {
  describeRuntime(runtime, `the HTTP handler of the package in ${runtime}`, (program) => {
    let server: RuntimeServer;
    let worlds = 0;
    beforeAll(async () => {
      server = await start(program);
    });
    afterAll(() => server.close());
    const serve = (): Promise<HttpServer> =>
      Promise.resolve({
        url: `http://127.0.0.1:${server.port}`,
        headers: { 'x-world': String(worlds++) },
        close: () => Promise.resolve(),
      });
    httpContract({ describe, it }, { name: runtime, hasOthers: false, serve, without });
  });
}

for (const [runtime, { args, entry }] of Object.entries(SERVE) as [RuntimeName, NonNullable<(typeof SERVE)[RuntimeName]>][]) {
  serveIn(runtime, async (program) => serveProgram(program, [...args, await bundled(`http-${runtime}.mjs`, entry)]));
}

/** Workers end a timer with its handler, and let no request wake another one. */
const NOT_IN_WORKERS = [
  'waits for a decision where the client prefers that',
  'sends events, and resumes after the last one',
  'frees the stream of a client that has gone',
];

serveIn(
  'workerd',
  async (program) => {
    await bundled('http-workerd.js', 'export default { fetch: (request) => handler(request) };');
    return serveWorker(program, folder, 'http-workerd.js');
  },
  NOT_IN_WORKERS,
);
