import { afterAll, beforeAll, expect, it } from 'vitest';
import { HTML, pageOf } from '../features/console/page.js';
import { describeRuntime, type RuntimeName } from './runtimes.js';
import { bundle, programFolder, serveProgram, serveWorker, type RuntimeServer } from './serve.js';

/** The packed handler, with a table of texts whose file it names by a hash. */
const service = `
  import { createConsoleHandler } from 'jit-access/console';
  const handler = createConsoleHandler({
    api: '/access', basePath: '/console', ticketUrl: 'https://tickets.example.com/{ticket}', messages: { de: { texts: { title: 'Eingang' } } },
  });
`;

const folder = programFolder();
const bundled = (name: string, entry: string): Promise<string> => bundle(folder, name, `${service}\n${entry}`);

const SERVE: Readonly<Partial<Record<RuntimeName, (program: string) => Promise<RuntimeServer>>>> = {
  bun: async (program) => {
    const entry = "const { port } = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: handler }); console.log('port=' + port);";
    return serveProgram(program, [await bundled('console-bun.mjs', entry)]);
  },
  deno: async (program) => {
    const entry =
      "Deno.serve({ port: 0, hostname: '127.0.0.1', onListen: ({ port }) => console.log('port=' + port) }, (request) => handler(request));";
    return serveProgram(program, ['run', '--no-prompt', '--allow-net', await bundled('console-deno.mjs', entry)]);
  },
  workerd: async (program) => {
    await bundled('console-workerd.js', 'export default { fetch: (request) => handler(request) };');
    return serveWorker(program, folder, 'console-workerd.js');
  },
};

for (const [runtime, start] of Object.entries(SERVE) as [RuntimeName, (program: string) => Promise<RuntimeServer>][]) {
  describeRuntime(runtime, `the console of the package in ${runtime}`, (program) => {
    let server: RuntimeServer;
    beforeAll(async () => {
      server = await start(program);
    });
    afterAll(() => server.close());

    it('is served without a file system, with its files', async () => {
      const root = `http://127.0.0.1:${server.port}`;
      const redirect = await fetch(`${root}/console`, { redirect: 'manual' });
      expect([redirect.status, redirect.headers.get('location')]).toEqual([302, 'console/']);
      for (const path of ['/', '/inbox', '/requests/1']) {
        const shown = `${root}/console${path}`;
        const response = await fetch(shown, { headers: { accept: HTML, 'accept-language': 'de-DE,en;q=0.5' } });
        expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store']);
        expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
        const { files, languages, options } = pageOf(await response.text(), shown);
        expect(options.languages.map(({ lang }) => lang)).toEqual(['de', 'en']);
        for (const file of [...files, ...languages]) {
          const asset = await fetch(file);
          expect([file, asset.status, (await asset.text()).length > 10]).toEqual([file, 200, true]);
        }
      }
      const head = await fetch(`${root}/console/inbox`, { method: 'HEAD', headers: { accept: HTML } });
      expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      expect((await fetch(`${root}/console/assets/console-00000000.js`)).status).toBe(404);
    });
  });
}
